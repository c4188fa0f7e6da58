// Every text whose contrast with what is behind it is under 4.5, which WCAG 2.2 (1.4.3) asks of text.
const read = (color) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
};
const luminance = (color) => {
  const [red, green, blue] = [...read(color)].map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const isClear = (color) => read(color)[3] === 0;
const behind = (it) => {
  const color = getComputedStyle(it).backgroundColor;
  return isClear(color) && it.parentElement ? behind(it.parentElement) : color;
};
const contrast = (it) => {
  const [less, more] = [getComputedStyle(it).color, behind(it)].map(luminance).sort((one, other) => one - other);
  return (more + 0.05) / (less + 0.05);
};
const hasText = (it) => [...it.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
return [...document.body.querySelectorAll("*")]
  .filter((it) => hasText(it) && it.checkVisibility() && contrast(it) < 4.5)
  .map((it) => `${it.tagName} ${it.textContent.trim().slice(0, 40)} ${contrast(it).toFixed(2)}`);
