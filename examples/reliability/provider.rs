//! An identity provider on loopback that misbehaves in every way that one can.

use std::{
    io::{Read, Write, copy, sink},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cognito_authorizer::{
    testing::{SigningKey, jwks},
    time::UnixTime,
};
use rustls::{ServerConnection, StreamOwned};

use crate::{
    judge::{Contact, Gave},
    server::{Authority, Certificate, answer, publishing},
};

/// What the provider does with those who connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// Publishes its keys.
    Well,
    /// Does nothing until its conduct is another one; what it then gives may come too late.
    Held,
    /// Says these bytes, and waits for the client to hang up.
    Says(String),
    /// Says its keys, a byte at a time.
    SlowByByte,
    /// Says this, and then spaces or headers without end.
    Endless { start: &'static str, more: &'static str },
    /// Says the first half, and that this was all.
    HalfCloses,
    /// Resets the connection before the first byte.
    Resets,
    /// Resets the connection in the middle.
    ResetsHalfway,
    /// Shows such a certificate. Who hears it out gets somebody else's keys.
    Shows(Certificate),
}

/// Serves for as long as the process lives.
pub(crate) struct Provider {
    url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    conduct: Conduct,
    published: Published,
    /// What somebody between the function and the provider would say.
    impostors: String,
    contacts: Vec<Contact>,
}

#[derive(Clone)]
struct Published {
    key_ids: Vec<String>,
    response: String,
}

impl Published {
    fn new(keys: &[&SigningKey]) -> Self {
        let key_ids = keys.iter().map(|key| key.id.clone()).collect();
        Self { key_ids, response: publishing(&jwks(keys).to_string()) }
    }
}

impl Provider {
    /// Publishes `keys`; `impostor` is whose key is given under false pretences.
    pub(crate) fn start(keys: &[&SigningKey], impostor: &SigningKey) -> Self {
        Self::serve("http", None, keys, impostor)
    }

    /// The same over TLS, with an authority whose certificate is written to `authority`.
    pub(crate) fn start_tls(keys: &[&SigningKey], impostor: &SigningKey, authority: &Path) -> Self {
        Self::serve("https", Some(Authority::create(authority)), keys, impostor)
    }

    fn serve(
        scheme: &str,
        authority: Option<Authority>,
        keys: &[&SigningKey],
        impostor: &SigningKey,
    ) -> Self {
        let state = State {
            conduct: Conduct::Well,
            published: Published::new(keys),
            impostors: publishing(&jwks(&[impostor]).to_string()),
            contacts: Vec::new(),
        };
        let (state, authority) = (Arc::new(Mutex::new(state)), authority.map(Arc::new));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("{scheme}://{}/jwks.json", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let contact = note_contact(&shared);
                let (state, authority) = (Arc::clone(&shared), authority.clone());
                thread::spawn(move || match authority {
                    Some(authority) => meet_over_tls(stream, &contact, &authority),
                    None => meet(stream, contact, &state),
                });
            }
        });
        Self { url, state }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Behaves so from now on.
    pub(crate) fn conduct(&self, conduct: Conduct) {
        self.state.lock().unwrap().conduct = conduct;
    }

    /// Publishes these keys, and no others, from now on.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.state.lock().unwrap().published = Published::new(keys);
    }

    /// Whether it would give this key.
    pub(crate) fn publishes(&self, key_id: &String) -> bool {
        let state = self.state.lock().unwrap();
        state.conduct == Conduct::Well && state.published.key_ids.contains(key_id)
    }

    /// Whether somebody connected since the last look.
    pub(crate) fn was_asked(&self) -> bool {
        !self.state.lock().unwrap().contacts.is_empty()
    }

    /// The connections since the last look.
    pub(crate) fn take_contacts(&self) -> Vec<Contact> {
        std::mem::take(&mut self.state.lock().unwrap().contacts)
    }
}

/// How a connection that was just made is to be met.
struct Plan {
    conduct: Conduct,
    published: Published,
    impostors: String,
}

/// Notes a connection before it is answered, so that nobody can act on an answer that is not noted.
fn note_contact(state: &Mutex<State>) -> Plan {
    let mut state = state.lock().unwrap();
    let gave = match state.conduct {
        Conduct::Well => Gave::Keys(state.published.key_ids.clone()),
        Conduct::Held => Gave::KeysLate(state.published.key_ids.clone()),
        _ => Gave::Nothing,
    };
    state.contacts.push(Contact { at: UnixTime::now(), gave });
    Plan {
        conduct: state.conduct.clone(),
        published: state.published.clone(),
        impostors: state.impostors.clone(),
    }
}

fn meet_over_tls(stream: TcpStream, plan: &Plan, authority: &Authority) {
    let (certificate, response) = match plan.conduct {
        Conduct::Shows(certificate) => (certificate, &plan.impostors),
        _ => (Certificate::Good, &plan.published.response),
    };
    let server = ServerConnection::new(authority.server(certificate)).unwrap();
    answer(&mut StreamOwned::new(server, stream), response);
}

/// Nobody minds here how the client takes it: what may fail to be written or read is dropped.
fn meet(mut stream: TcpStream, mut plan: Plan, state: &Mutex<State>) {
    while plan.conduct == Conduct::Held {
        thread::sleep(Duration::from_millis(1));
        plan.conduct = state.lock().unwrap().conduct.clone();
    }
    let response = plan.published.response.as_bytes();
    let half = &response[..response.len() / 2];
    // A connection that is closed before all of the request was read is reset (RFC 2525 §2.17).
    if let Conduct::Resets | Conduct::ResetsHalfway = plan.conduct {
        let _ = stream.peek(&mut [0]);
        if plan.conduct == Conduct::ResetsHalfway {
            let _ = stream.write_all(half);
        }
        return;
    }
    let _ = stream.read(&mut [0; 4096]);
    match plan.conduct {
        Conduct::Says(text) => drop(stream.write_all(text.as_bytes())),
        Conduct::SlowByByte => {
            let mut bytes = response.chunks(1);
            while bytes.next().is_some_and(|byte| stream.write_all(byte).is_ok()) {
                thread::sleep(BETWEEN_BYTES);
            }
        }
        Conduct::Endless { start, more } => {
            let _ = stream.write_all(start.as_bytes());
            while stream.write_all(more.repeat(1_000).as_bytes()).is_ok() {}
        }
        Conduct::HalfCloses => {
            let _ = stream.write_all(half);
            let _ = stream.shutdown(Shutdown::Write);
        }
        _ => drop(stream.write_all(response)),
    }
    let _ = copy(&mut stream, &mut sink());
}

/// A key set of one key then takes over ten seconds.
const BETWEEN_BYTES: Duration = Duration::from_millis(20);
