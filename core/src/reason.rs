//! Why a login was denied: one word for the log, one sentence for people.

use std::fmt;

/// Makes the enum, its codes and its sentences from one table, so that none can lack either.
macro_rules! reasons {
    ($($variant:ident $code:literal $sentence:literal)*) => {
        /// The cause of a denial. [`Reason::code`] is stable: log filters may match it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reason {
            $(#[doc = $sentence] $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word behind `reason=` in the log.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $sentence,)* })
            }
        }
    };
}

reasons! {
    // The answer.
    WrongCode "wrong_code" "the code is wrong"
    NotACode "not_a_code" "the answer does not have the form of a code"
    DummyPassword "dummy_password" "sshd asks for form's sake: it does not let this user log in"
    EmptyAnswer "empty_answer" "the answer is empty"
    NoAnswer "no_answer" "the program that asks gave no answer"
    AnswerTooLong "answer_too_long" "the answer is longer than any password and code"
    BadTicket "bad_ticket" "the enrolment ticket is wrong, or there is none"
    ConversationFailed "conversation_failed" "the program that asks could not ask"
    Reused "reused" "the code has been used before"
    OtherTime "other_time" "the code belongs to another time: the clocks differ"
    FurtherAhead "further_ahead" "the code is further ahead than the next ones: the counters differ"
    Expired "expired" "the code was good for a time that is over"
    RateLimited "rate_limited" "too many attempts in a short time"
    TooManyFailures "too_many_failures" "too many failures of this user from this source"
    SourceLimited "source_limited" "too many users have failed from this source"

    // A security key.
    KeyMalformed "key_malformed" "what the key answered is malformed"
    KeyType "key_type" "the signature is of another kind than the key"
    KeyParty "key_party" "the key signed for another relying party"
    KeyUntouched "key_untouched" "the key was not touched"
    KeyUnverified "key_unverified" "the key did not verify its user by PIN or finger"
    KeySignature "key_signature" "the signature of the key is wrong"
    KeyCloned "key_cloned" "the key's counter has not moved on: there may be a copy of it"
    KeyUnknown "key_unknown" "the key is not enrolled for this user"
    KeyAbsent "key_absent" "no enrolled key is plugged in"
    KeyTimeout "key_timeout" "no key answered in time"
    KeyPin "key_pin" "the key's PIN is wrong or missing"
    KeyPinBlocked "key_pin_blocked" "the key takes no more PINs: plug it in anew, or reset it"
    BadMapping "bad_mapping" "the file of security keys is malformed"
    NotLocal "not_local" "keys in this machine's port are for local logins only"
    NoHelper "no_helper" "mfa-fido cannot be run"
    HelperFailed "helper_failed" "mfa-fido failed"
    NoAgent "no_agent" "there is no ssh agent to ask"
    AgentFailed "agent_failed" "the ssh agent cannot be used"
    TouchUnverified "touch_unverified" "nobody can tell whether the key was touched: see touch in the policy"
    AgentRefused "agent_refused" "the ssh agent did not sign"
    CertAuthority "cert_authority" "the certificate's authority is not listed in the policy"
    CertUser "cert_user" "the certificate does not name the user"
    CertTime "cert_time" "the certificate is good for another time"
    CertOption "cert_option" "the certificate has a critical option that is not known"

    // The person.
    NoUser "no_user" "no user name was given"
    BadUserName "bad_user_name" "the user name cannot be part of a path"
    UnknownUser "unknown_user" "no such user"
    OtherUser "other_user" "whoever enrolled is not who is let in"
    UserDatabase "user_database" "the user database cannot be asked"
    NoRights "no_rights" "this process cannot act with the rights of the file's owner"

    // The file.
    NoFile "no_file" "the user has not enrolled: there is no such file"
    NoDirectory "no_directory" "a directory of the file's path does not exist"
    UnsafePath "unsafe_path" "others can write to a directory of the file's path"
    SymlinkLoop "symlink_loop" "the file's path has too many symbolic links"
    NotRegular "not_regular" "it is not a regular file"
    WrongOwner "wrong_owner" "the file belongs to another user"
    WrongMode "wrong_mode" "the file's mode gives more rights than allowed"
    EmptyFile "empty_file" "the file is empty"
    TooBig "too_big" "the file is too large"
    HoldsNul "holds_nul" "the file holds a NUL byte"
    Unreadable "unreadable" "the file cannot be read"

    // What is in it.
    BadSecret "bad_secret" "line 1 is no base32 secret"
    BadRateLimit "bad_rate_limit" "the RATE_LIMIT line is malformed"
    BadWindow "bad_window" "WINDOW_SIZE is not 1 to 100"
    BadStep "bad_step" "STEP_SIZE is not 1 to 60"
    BadReuseList "bad_reuse_list" "the DISALLOW_REUSE line is malformed"
    BadDigits "bad_digits" "DIGITS is not 6 to 8"
    BadAlgorithm "bad_algorithm" "ALGORITHM is not SHA1, SHA256 or SHA512"
    NoMethod "no_method" "the file has neither TOTP_AUTH nor HOTP_COUNTER"

    // What is sealed.
    Sealed "sealed" "the secret is sealed and this host has no key for it"
    BadKey "bad_key" "the host's key cannot be used"
    OtherKey "other_key" "the host's key does not open the sealed secret"
    BadSeal "bad_seal" "the sealed secret is malformed"

    // A system record and its state.
    Reset "reset" "the user was reset: what the home holds does not count"
    NoRecords "no_records" "this host keeps no system records"
    UidChanged "uid_changed" "the record was made for another user id: see mfactl credential rebind"
    NeedsRoot "needs_root" "only root can read the record, and this program is not root"
    BadRecord "bad_record" "the record is malformed: see mfactl check"
    NewerRecord "newer_record" "the record is of a newer version than this program"
    NoState "no_state" "the record has no state: see mfactl state init"
    BadState "bad_state" "the state is damaged: see mfactl state init"
    NewerState "newer_state" "the state is of a newer version than this program"

    // The policy.
    PolicyDenies "policy_denies" "a rule of the policy denies"
    BadPolicy "bad_policy" "a file in /etc/pam_mfa is malformed: see mfactl check"
    NewerPolicy "newer_policy" "a file in /etc/pam_mfa is of a newer version than this program"
    NoGroup "no_group" "a group that a rule names does not exist"
    GroupDatabase "group_database" "the group database cannot be asked"
    NoCheck "no_check" "the login comes without the second factor that the policy requires"
    NullokIgnored "nullok_ignored" "nullok has no effect where there is a policy"
    NoFactor "no_factor" "the user has enrolled nothing of what the rule takes"

    // Making the outcome durable.
    Locked "locked" "another login or program holds the file's lock"
    CannotLock "cannot_lock" "the file cannot be locked"
    Changed "changed" "the file was changed meanwhile"
    NotDurable "not_durable" "the new file is in place, but may not survive a crash"
    CannotWrite "cannot_write" "the file cannot be rewritten"

    // The module.
    UnknownOption "unknown_option" "the PAM line has an option that does not exist"
    BadOption "bad_option" "an option of the PAM line has no valid value"
    CannotForward "cannot_forward" "the password cannot be handed to the next module"
    Internal "internal" "a mistake in this program"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_plain_words() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn the_document_lists_them() {
        let document = include_str!("../../docs/log.md");
        for reason in Reason::ALL {
            let row = format!("| `{}` | {reason} |\n", reason.code());
            assert!(document.contains(&row), "{row}");
        }
        let codes = Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect();
        assert_eq!(crate::docs::names(document, "reason"), codes);
    }
}
