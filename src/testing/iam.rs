//! IAM's verdict on one `execute-api` ARN: explicit Deny, then Allow, then silence.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use serde_json::Value;

/// What a policy document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some statement allows, and none denies.
    Allow,
    /// Some statement denies.
    ExplicitDeny,
    /// No statement matches.
    ImplicitDeny,
}

/// The verdict of an answer's `policyDocument` on invoking `arn`. A statement with a member that is not modelled, such as
/// a `Condition`, is a panic: without it the statement would say something else.
pub fn evaluate(document: &Value, arn: &str) -> Verdict {
    assert_eq!(document["Version"], "2012-10-17");
    let matching: Vec<&Value> = document["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|statement| applies(statement, arn))
        .collect();
    if matching.iter().any(|statement| statement["Effect"] == "Deny") {
        Verdict::ExplicitDeny
    } else if matching.iter().any(|statement| statement["Effect"] == "Allow") {
        Verdict::Allow
    } else {
        Verdict::ImplicitDeny
    }
}

fn applies(statement: &Value, arn: &str) -> bool {
    let is_modelled = |name: &String| ["Sid", "Effect", "Action", "Resource"].contains(&name.as_str());
    assert!(statement.as_object().unwrap().keys().all(is_modelled));
    // One text stands for a list of one.
    let has = |field: &str, subject: &str| match &statement[field] {
        Value::String(pattern) => matches(pattern, subject),
        list => {
            let mut patterns = list.as_array().unwrap().iter();
            patterns.any(|pattern| matches(pattern.as_str().unwrap(), subject))
        }
    };
    has("Action", "execute-api:Invoke") && has("Resource", arn)
}

/// `*` stands for any run of characters, `/` and `:` among them; `?` for one.
fn matches(pattern: &str, subject: &str) -> bool {
    // Without wildcards, as most of an ARN is, there is nothing to try.
    let (head, pattern) = pattern.split_at(pattern.find(['*', '?']).unwrap_or(pattern.len()));
    let Some(subject) = subject.strip_prefix(head) else { return false };
    let (pattern, subject): (Vec<char>, Vec<char>) = (pattern.chars().collect(), subject.chars().collect());
    // reachable[i]: the pattern so far matches the first i characters.
    let mut reachable = vec![false; subject.len() + 1];
    reachable[0] = true;
    for letter in pattern {
        let before = reachable.clone();
        let mut any = false;
        for position in 0..=subject.len() {
            any |= before[position];
            reachable[position] = match letter {
                '*' => any,
                '?' => position > 0 && before[position - 1],
                _ => position > 0 && before[position - 1] && subject[position - 1] == letter,
            };
        }
    }
    reachable[subject.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_iam_does() {
        for (pattern, subject, expected) in [
            ("a/*", "a/b/c", true),
            ("a/*/d", "a/b/c/d", true),
            ("a/*", "a", false),
            ("a/*", "a/", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a.c", "abc", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} on {subject}");
        }
    }
}
