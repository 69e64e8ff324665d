//! CTAP2's commands (CTAP 2.1, section 6).

use super::Refusal;
use super::attestation::{CERTIFICATE, attest};
use super::authenticator::{Authenticator, Resident, flag};
use super::cbor::written;
use super::credential::{Algorithm, Credential};
use super::request::Request;

/// CTAP 2.1, section 8.2.
pub(super) mod status {
    use super::Refusal;

    pub const INVALID_COMMAND: Refusal = Refusal::Status(0x01);
    pub const INVALID_PARAMETER: Refusal = Refusal::Status(0x02);
    pub const INVALID_CBOR: Refusal = Refusal::Status(0x12);
    pub const CREDENTIAL_EXCLUDED: Refusal = Refusal::Status(0x19);
    pub const UNSUPPORTED_ALGORITHM: Refusal = Refusal::Status(0x26);
    pub const UNSUPPORTED_OPTION: Refusal = Refusal::Status(0x2b);
    pub const NO_CREDENTIALS: Refusal = Refusal::Status(0x2e);
    pub const NOT_ALLOWED: Refusal = Refusal::Status(0x30);
    pub const PIN_INVALID: Refusal = Refusal::Status(0x31);
    pub const PIN_BLOCKED: Refusal = Refusal::Status(0x32);
    pub const PIN_AUTH_INVALID: Refusal = Refusal::Status(0x33);
    pub const PIN_AUTH_BLOCKED: Refusal = Refusal::Status(0x34);
    pub const PIN_NOT_SET: Refusal = Refusal::Status(0x35);
    pub const PIN_REQUIRED: Refusal = Refusal::Status(0x36);
    pub const PIN_POLICY_VIOLATION: Refusal = Refusal::Status(0x37);
    pub const INVALID_SUBCOMMAND: Refusal = Refusal::Status(0x3e);
    /// A wait that a CANCEL ended.
    pub const KEEPALIVE_CANCEL: Refusal = Refusal::Status(0x2d);
    /// A wait that nobody ended.
    pub const USER_ACTION_TIMEOUT: Refusal = Refusal::Status(0x2f);
}

impl Authenticator {
    /// What it answers to a command and its parameters. Where it needs a touch and there was none it
    /// changes nothing and wants to be asked again.
    ///
    /// # Errors
    /// [`Refusal::Untouched`] where nothing but a touch is missing.
    pub(super) fn ctap2(&mut self, command: &[u8], touched: bool) -> Result<Vec<u8>, Refusal> {
        let (&number, parameters) = command.split_first().ok_or(status::INVALID_COMMAND)?;
        match number {
            0x01 => self.make_credential(&Request::of_make(parameters)?, touched),
            0x02 => self.get_assertion(&Request::of_get(parameters)?, touched),
            0x04 => Ok(self.info()),
            0x06 => {
                let before = self.pin.in_a_row();
                let answer = self.pin.answer(parameters);
                self.seen.wrong_pins += u32::from(self.pin.in_a_row().saturating_sub(before));
                answer
            }
            0x08 => self.more.pop().ok_or(status::NOT_ALLOWED),
            0x0b if touched => Ok(vec![]),
            0x0b => Err(Refusal::Untouched),
            _ => Err(status::INVALID_COMMAND),
        }
    }

    fn info(&self) -> Vec<u8> {
        let pin = self.pin.is_set();
        written(|info| {
            info.map(6)?.u8(1)?.array(2)?.str("U2F_V2")?.str("FIDO_2_0")?;
            info.u8(3)?.bytes(&AAGUID)?;
            let options = info.u8(4)?.map(if self.model.fingerprint { 4 } else { 3 })?;
            options.str("rk")?.bool(true)?.str("up")?.bool(true)?;
            if self.model.fingerprint {
                options.str("uv")?.bool(true)?;
            }
            options.str("clientPin")?.bool(pin)?;
            info.u8(5)?.u16(1200)?.u8(6)?.array(1)?.u8(1)?;
            info.u8(10)?.array(2)?;
            for algorithm in [Algorithm::Es256, Algorithm::Eddsa] {
                info.map(2)?.str("alg")?.i32(algorithm as i32)?.str("type")?.str("public-key")?;
            }
            Ok(info)
        })
    }

    fn make_credential(&mut self, request: &Request, touched: bool) -> Result<Vec<u8>, Refusal> {
        let verified = self.verified(request, touched)?;
        let excluded = request.handles.iter().flatten();
        let excluded =
            excluded.map(|handle| self.credential(handle, &request.party)).any(|it| it.is_some());
        let algorithm = request.algorithms.iter().find_map(|&number| Algorithm::of(number));
        let algorithm = algorithm.ok_or(status::UNSUPPORTED_ALGORITHM)?;
        if self.pin.is_set() && !verified {
            return Err(status::PIN_REQUIRED);
        }
        if !touched {
            return Err(Refusal::Untouched);
        }
        if excluded {
            return Err(status::CREDENTIAL_EXCLUDED);
        }
        let (credential, handle) = self.make(algorithm, &request.party);
        if request.resident {
            let (party, user) = (request.party, request.user.clone());
            self.residents.retain(|it| (it.party, &it.user) != (party, &user));
            self.residents.push(Resident { party, user, handle: handle.clone() });
        }
        let flags = flag::UP | flag::ATTESTED | if verified { flag::UV } else { 0 };
        let length = u16::try_from(handle.len()).expect("handles are short").to_be_bytes();
        let data =
            [&request.party, &[flags][..], &[0; 4], &AAGUID, &length, &handle, &credential.cose()]
                .concat();
        let signature = attest(&[&data[..], &request.hash].concat());
        Ok(written(|reply| {
            reply.map(3)?.u8(1)?.str("packed")?.u8(2)?.bytes(&data)?;
            reply.u8(3)?.map(3)?.str("alg")?.i32(Algorithm::Es256 as i32)?;
            reply.str("sig")?.bytes(&signature)?.str("x5c")?.array(1)?.bytes(CERTIFICATE)
        }))
    }

    fn get_assertion(&mut self, request: &Request, touched: bool) -> Result<Vec<u8>, Refusal> {
        let verified = self.verified(request, touched)?;
        let found = self.find(request);
        if found.is_empty() {
            return Err(status::NO_CREDENTIALS);
        }
        if !touched && !request.unattended {
            return Err(Refusal::Untouched);
        }
        let flags =
            if request.unattended { 0 } else { flag::UP } | if verified { flag::UV } else { 0 };
        let count = found.len();
        self.more = vec![];
        for (credential, handle, user) in found {
            let (data, signature) = self.assert(&credential, &request.party, flags, &request.hash);
            let is_last = self.more.len() + 1 == count;
            let members = 3 + u64::from(user.is_some()) + u64::from(is_last && count > 1);
            self.more.push(written(|reply| {
                reply.map(members)?.u8(1)?.map(2)?.str("id")?.bytes(&handle)?;
                reply.str("type")?.str("public-key")?;
                reply.u8(2)?.bytes(&data)?.u8(3)?.bytes(&signature)?;
                if let Some(user) = &user {
                    reply.u8(4)?.map(1)?.str("id")?.bytes(user)?;
                }
                if is_last && count > 1 {
                    reply.u8(5)?.u64(count as u64)?;
                }
                Ok(reply)
            }));
        }
        // The newest comes first, and the others if they are asked for.
        self.more.pop().ok_or(status::NO_CREDENTIALS)
    }

    /// The keys that fit, the one to be used first last: one of the allow list, or the residents with
    /// their users.
    fn find(&self, request: &Request) -> Vec<(Credential, Vec<u8>, Option<Vec<u8>>)> {
        let key = |handle: &Vec<u8>, user| {
            Some((self.credential(handle, &request.party)?, handle.clone(), user))
        };
        if let Some(handles) = &request.handles {
            return handles.iter().find_map(|handle| key(handle, None)).into_iter().collect();
        }
        let residents = self.residents.iter().filter(|it| it.party == request.party);
        residents.filter_map(|it| key(&it.handle, Some(it.user.clone()))).collect()
    }

    /// Whether the user is verified, as far as that is asked for.
    fn verified(&self, request: &Request, touched: bool) -> Result<bool, Refusal> {
        match request.auth.as_deref() {
            // How a client finds out which of several tokens is meant: the one that is touched.
            Some([]) if !touched => Err(Refusal::Untouched),
            Some([]) if self.pin.is_set() => Err(status::PIN_INVALID),
            Some([]) => Err(status::PIN_NOT_SET),
            Some(auth) if self.pin.allows(&request.hash, auth) => Ok(true),
            Some(_) => Err(status::PIN_AUTH_INVALID),
            None if request.verify && !self.model.fingerprint => Err(status::UNSUPPORTED_OPTION),
            None => Ok(request.verify),
        }
    }
}

/// Who made the token; nobody.
const AAGUID: [u8; 16] = [0; 16];
