//! `basicauth`, the side of the server: who is in the htpasswd lines is let in.
//!
//! Good hashes are slow on purpose, so a password that was right is remembered by a keyed hash, which is compared in
//! constant time; only what is new is hashed, one at a time and off the runtime's threads. Nothing of a request is
//! logged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use spandrel_base::clock::SharedClock;
use spandrel_base::cpu;
use spandrel_pipeline::{ComponentError, Header, ServerAuthenticator, Unauthenticated};
use tokio::sync::Semaphore;

use super::basic::Htpasswd;
use super::htpasswd::{Users, verify};
use super::secret_file::SecretFile;

/// Passwords that are hashed at once.
const HASHING_MAX: usize = 1;
const CHALLENGE: &str = "Basic realm=\"spandrel\", charset=\"UTF-8\"";

/// Lets in whom htpasswd lines name.
pub struct BasicAuthServer {
    inline: String,
    file: Option<SecretFile>,
    state: Mutex<State>,
    /// Makes what is remembered worthless elsewhere.
    key: [u8; 32],
    hashing: Semaphore,
}

struct State {
    /// The text of the file that the users are of.
    text: Option<String>,
    users: Arc<Users>,
    /// By user: the keyed hash of the password that was right.
    remembered: HashMap<String, [u8; 32]>,
}

impl BasicAuthServer {
    /// The authenticator of these lines. The file is read again when it changes.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is none or has a hash that is not known here.
    pub fn new(htpasswd: Htpasswd, clock: &SharedClock) -> Result<Self, ComponentError> {
        let inline = htpasswd.inline.map(|inline| inline.expose().to_owned()).unwrap_or_default();
        let text = htpasswd.file.as_ref().map(std::fs::read_to_string).transpose();
        let text = text.map_err(|error| {
            ComponentError::new(format!("htpasswd: cannot read the file: {error}"))
        })?;
        let text = text.map(|text| text.trim().to_owned());
        let users = Users::read(text.as_deref().unwrap_or_default(), &inline);
        let users = Arc::new(users.map_err(ComponentError::new)?);
        let mut key = [0; 32];
        for (part, id) in key.chunks_mut(16).zip([uuid(), uuid()]) {
            part.copy_from_slice(&id);
        }
        let file = htpasswd.file.map(|path| SecretFile::new(path, clock.clone()));
        let state = Mutex::new(State { text, users, remembered: HashMap::new() });
        Ok(Self { inline, file, state, key, hashing: Semaphore::new(HASHING_MAX) })
    }

    /// The users now; lines that became wrong leave those from before.
    async fn users(&self) -> Arc<Users> {
        if let Some(file) = &self.file
            && let Ok(text) = file.value().await
        {
            let mut state = self.state.lock();
            if state.text.as_ref() != Some(&text) {
                match Users::read(&text, &self.inline) {
                    Ok(users) => {
                        state.users = Arc::new(users);
                        state.remembered.clear();
                    }
                    Err(problem) => {
                        tracing::warn!(
                            problem,
                            "the htpasswd file is wrong, its old content counts"
                        );
                    }
                }
                state.text = Some(text);
            }
        }
        Arc::clone(&self.state.lock().users)
    }

    fn keyed_hash(&self, user: &str, password: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.key)
            .expect("HMAC takes keys of any length");
        mac.update(user.as_bytes());
        mac.update(&[0]);
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    async fn is_right(&self, user: &str, password: String) -> bool {
        let users = self.users().await;
        let hash = self.keyed_hash(user, &password);
        let remembered = self.state.lock().remembered.get(user).copied();
        if remembered.is_some_and(|remembered| equal(&remembered, &hash)) {
            return true;
        }
        let Ok(_permit) = self.hashing.acquire().await else { return false };
        // A name that is not there takes as long as one that is.
        let (entry, is_there) = match users.get(user) {
            Some(entry) => (entry, true),
            None => (users.any(), false),
        };
        let entry = entry.to_owned();
        let verified = cpu::run(move || verify(&entry, &password)).await;
        let is_right = is_there && verified.unwrap_or(false);
        if is_right {
            self.state.lock().remembered.insert(user.to_owned(), hash);
        }
        is_right
    }
}

/// 16 bytes that nobody can guess, but for six bits.
fn uuid() -> [u8; 16] {
    uuid::Uuid::new_v4().into_bytes()
}

/// Compares without telling by its time how much is equal.
pub(super) fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[async_trait::async_trait]
impl ServerAuthenticator for BasicAuthServer {
    async fn authenticate(
        &self,
        header: &Header<'_>,
    ) -> Result<BTreeMap<String, String>, Unauthenticated> {
        let refusal = |message| Unauthenticated { message, challenge: CHALLENGE.to_owned() };
        let value = header("authorization").ok_or(refusal("no authorization in the headers"))?;
        let (user, password) = credentials(&value).ok_or(refusal("no basic authorization"))?;
        if self.is_right(&user, password).await {
            return Ok(BTreeMap::from([("username".to_owned(), user)]));
        }
        Err(refusal("wrong name or password"))
    }
}

/// `Basic base64(user:password)`.
fn credentials(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.trim().split_once(' ')?;
    let decoded =
        STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
