//! What a proxy can do wrong on purpose: each fault is one wrong behaviour, and names the requirement that it breaks.

use std::fmt;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $slug:literal $(breaks $requirement:literal)?,)+) => {
        /// One wrong behaviour of a proxy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProxyFault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ProxyFault {
            /// All of them.
            pub const ALL: &'static [ProxyFault] = &[$(ProxyFault::$name,)+];

            /// The stable name, as on a command line.
            pub fn name(self) -> &'static str {
                match self { $(ProxyFault::$name => $slug,)+ }
            }

            /// The requirement that a proxy with this fault breaks; none where all that it does is allowed.
            pub fn requirement(self) -> Option<&'static str> {
                match self { $(ProxyFault::$name => [$($requirement)?].first().copied(),)+ }
            }

            /// What such a proxy does, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(ProxyFault::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

faults! {
    /// Lets requests through that the Core refused.
    IgnoresRefusals = "ignores-refusals" breaks "ACL-3",
    /// Does not hand the Core's `X-Ptl-*` fields to the app.
    DropsDeclaredFields = "drops-declared-fields" breaks "ACL-4",
    /// Lets client-sent `X-Ptl-*` through, on any path.
    KeepsIdentityFields = "keeps-identity-fields" breaks "ACL-6",
    /// Lets client-sent `X-Ptl-*` through where the Core did not set that very field.
    KeepsUndeclaredIdentityFields = "keeps-undeclared-identity-fields" breaks "ACL-6",
    /// Lets client-sent `X-Ptl-*` through as trailers.
    KeepsIdentityTrailers = "keeps-identity-trailers" breaks "ACL-6",
    /// Lets `X_Ptl_*` and other spellings through.
    KeepsIdentityAliases = "keeps-identity-aliases" breaks "ACL-7",
    /// Asks the Core twice about each request.
    AsksTwice = "asks-twice" breaks "CALL-9",
    /// Tells the Core its own address as the host.
    AsksWithItsOwnHost = "asks-with-its-own-host" breaks "AUTH-2",
    /// Shows the Core the path without the query.
    HidesQueryFromCore = "hides-query-from-core" breaks "AUTH-2",
    /// Serves `/core/internal/` to the outside.
    ServesCoreInternal = "serves-core-internal" breaks "PROXY-1",
    /// Serves `/core/protected/` to anyone.
    SkipsTerminalCheck = "skips-terminal-check" breaks "PROXY-1",
    /// Serves the Core at the root of the Portal's own host, too, all of it.
    ServesCoreAtRoot = "serves-core-at-root" breaks "PROXY-1",
    /// Shows nobody who the Portal is.
    HidesPublicPages = "hides-public-pages" breaks "PROXY-1",
    /// Closes `/core/internal/` as it is spelled, and hands on to the Core what any other path resolves to.
    FollowsDetours = "follows-detours" breaks "PROXY-1",
    /// Takes a host that it does not know for its first app's.
    HasDefaultApp = "has-default-app" breaks "PROXY-1",
    /// Takes a host with letters in upper case for a foreign one.
    ComparesHostsByCase = "compares-hosts-by-case" breaks "PROXY-1",
    /// Serves one connection at a time: who is slow holds up all others.
    ServesOneAtATime = "serves-one-at-a-time" breaks "PROXY-2",
    /// Sends GET requests to the app without asking the Core.
    SkipsAuthForGet = "skips-auth-for-get" breaks "PROXY-2",
    /// Sends PUT requests on as POST.
    ChangesMethod = "changes-method" breaks "PROXY-3",
    /// Decodes the percent-encoding of the path.
    DecodesPath = "decodes-path" breaks "PROXY-3",
    /// Decodes the percent-encoding of the query.
    DecodesQuery = "decodes-query" breaks "PROXY-3",
    /// Writes the query anew, for the Core and for the app: decoded, and encoded as forms are.
    ReencodesQuery = "reencodes-query" breaks "PROXY-3",
    /// Joins the lines of a field to one, with a comma and a space between them, as it may.
    FoldsHeaders = "folds-headers",
    /// Drops the body of a request before it does anything else.
    DropsBody = "drops-body" breaks "PROXY-3",
    /// Keeps only the first of several lines of one field.
    DropsRepeatedFields = "drops-repeated-fields" breaks "PROXY-3",
    /// Puts field values into lower case.
    LowercasesValues = "lowercases-values" breaks "PROXY-3",
    /// Replaces the app's own error pages by one of its own.
    ReplacesErrorAnswers = "replaces-error-answers" breaks "PROXY-3",
    /// Collects an answer before it hands it on.
    BuffersAnswers = "buffers-answers" breaks "PROXY-3",
    /// Collects a request before it hands it on.
    BuffersRequests = "buffers-requests" breaks "PROXY-3",
    /// Drops trailers both ways.
    DropsTrailers = "drops-trailers" breaks "PROXY-3",
    /// Asks for the body before anybody said that it is wanted.
    ContinuesTooEarly = "continues-too-early" breaks "PROXY-3",
    /// Takes a WebSocket handshake for a plain request.
    DropsUpgrade = "drops-upgrade" breaks "PROXY-3",
    /// Takes a request with several Host fields, and its first.
    TakesSeveralHosts = "takes-several-hosts" breaks "PROXY-4",
    /// Takes a request with Content-Length and Transfer-Encoding, or several Content-Length.
    TakesConflictingLengths = "takes-conflicting-lengths" breaks "PROXY-4",
    /// Reads a length as far as it has digits, as `atoi` does: `+5`, `5, 3` and `5.0` are 5.
    ReadsLengthsLikeAtoi = "reads-lengths-like-atoi" breaks "PROXY-4",
    /// Takes any Transfer-Encoding for chunked that has the word in it.
    FindsChunkedAnywhere = "finds-chunked-anywhere" breaks "PROXY-4",
    /// Makes a request of a head that is none: leaves out what it can't read, puts in what is missing.
    RepairsHeads = "repairs-heads" breaks "PROXY-4",
    /// Takes a request whose target names another host than its Host field.
    TakesForeignTarget = "takes-foreign-target" breaks "PROXY-4",
    /// Lets everybody in while the Core is down.
    PassesWhenCoreIsDown = "passes-when-core-is-down" breaks "PROXY-5",
    /// Says that nobody is let in while the Core is down.
    TakesSilenceForRefusal = "takes-silence-for-refusal" breaks "PROXY-5",
    /// Serves plain HTTP as it serves HTTPS.
    ServesPlainHttp = "serves-plain-http" breaks "PROXY-6",
    /// Speaks TLS 1.2 at most.
    SpeaksNoNewTls = "speaks-no-new-tls" breaks "PROXY-6",
    /// Speaks TLS 1.3 alone.
    SpeaksNewTlsOnly = "speaks-new-tls-only" breaks "PROXY-6",
    /// Begins a handshake with whoever offers no more than TLS 1.0 or 1.1.
    BeginsOldTls = "begins-old-tls" breaks "PROXY-6",
    /// Shows the `authorization` cookie to apps.
    KeepsCookie = "keeps-cookie" breaks "PROXY-7",
    /// Drops all cookies together with `authorization`.
    DropsOtherCookies = "drops-other-cookies" breaks "PROXY-3",
    /// Keeps the forwarding fields of the client beside its own.
    KeepsForwardedFields = "keeps-forwarded-fields" breaks "PROXY-8",
    /// Shows the app the address that it was reached at, as its host.
    RewritesHost = "rewrites-host" breaks "PROXY-9",
    /// Hands a body on without checking it against a covered Content-Digest.
    SkipsDigestCheck = "skips-digest-check" breaks "PROXY-10",
    /// Checks the body against a covered Content-Digest only where the Core recognised a peer.
    ChecksDigestOfPeersOnly = "checks-digest-of-peers-only" breaks "PROXY-10",
    /// Passes a body whose covered Content-Digest it can't check.
    PassesUncheckableDigests = "passes-uncheckable-digests" breaks "PROXY-10",
    /// Checks a body only where there is one.
    ChecksNoEmptyBody = "checks-no-empty-body" breaks "PROXY-10",
    /// Checks only the first line where Content-Digest has several.
    ChecksOneDigestOnly = "checks-one-digest-only" breaks "PROXY-10",
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The faults that a proxy has. Most have none.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults(u64);

impl Faults {
    /// A proxy as it should be.
    pub const NONE: Faults = Faults(0);

    /// These and `fault`.
    #[must_use]
    pub fn with(self, fault: ProxyFault) -> Faults {
        Faults(self.0 | bit(fault))
    }

    /// These without `fault`.
    #[must_use]
    pub fn without(self, fault: ProxyFault) -> Faults {
        Faults(self.0 & !bit(fault))
    }

    /// Whether `fault` is among them.
    pub fn has(self, fault: ProxyFault) -> bool {
        self.0 & bit(fault) != 0
    }

    /// Those among them, in the order of [`ProxyFault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = ProxyFault> {
        ProxyFault::ALL.iter().copied().filter(move |fault| self.has(*fault))
    }
}

/// Each fault is one bit: [`ProxyFault::ALL`] stays below 64, which a test watches over.
fn bit(fault: ProxyFault) -> u64 {
    1 << (fault as u32)
}

impl From<ProxyFault> for Faults {
    fn from(fault: ProxyFault) -> Faults {
        Faults::NONE.with(fault)
    }
}

impl FromIterator<ProxyFault> for Faults {
    fn from_iter<I: IntoIterator<Item = ProxyFault>>(faults: I) -> Faults {
        faults.into_iter().fold(Faults::NONE, Faults::with)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for &fault in ProxyFault::ALL {
            let faults = Faults::from(fault);
            assert_eq!(faults.iter().collect::<Vec<_>>(), [fault]);
        }
        assert_eq!(Faults::NONE.iter().count(), 0);
        assert_eq!(ProxyFault::ALL.iter().copied().collect::<Faults>().iter().count(), ProxyFault::ALL.len());
    }

    #[test]
    fn names_are_distinct_and_descriptions_are_sentences() {
        let mut names: Vec<_> = ProxyFault::ALL.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ProxyFault::ALL.len());
        for fault in ProxyFault::ALL {
            let text = fault.description();
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text:?}");
        }
    }

    #[test]
    fn all_but_one_break_a_requirement() {
        let allowed: Vec<_> = ProxyFault::ALL.iter().filter(|fault| fault.requirement().is_none()).collect();
        assert_eq!(allowed, [&ProxyFault::FoldsHeaders]);
    }
}
