use skyflow_http::rest::Json;

/// The certificates of authorities, from the issuing one to the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateChain(Vec<String>);

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

impl CertificateChain {
    /// Reads the certificates of PEM text. Text between them is dropped.
    pub fn of_pem(text: &str) -> Self {
        let mut blocks = Vec::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let Some((body, after)) = after.split_once(END) else { break };
            let lines: Vec<_> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            blocks.push(format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")));
            rest = after;
        }
        Self(blocks)
    }

    /// Reads a chain as the server sends it: one string, or a list of strings.
    pub(crate) fn of_json(json: &Json) -> Self {
        match json.decode::<Vec<String>>() {
            Ok(texts) => Self::of_pem(&texts.join("\n")),
            Err(_) => Self::of_pem(&json.decode::<String>().unwrap_or_default()),
        }
    }

    /// Returns the certificates in PEM format.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns how many certificates there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is no certificate.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the root: the last certificate.
    pub fn root_pem(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Returns all certificates as one text.
    pub fn to_pem(&self) -> String {
        self.0.concat()
    }

    /// Returns the certificates between a certificate and the root as one text.
    pub(crate) fn intermediates_pem(&self) -> String {
        self.0.split_last().map_or_else(String::new, |(_, intermediates)| intermediates.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(body: &str) -> String {
        format!("{BEGIN}\n{body}\n{END}\n")
    }

    #[test]
    fn one_string_and_a_list_are_the_same_chain() {
        let both = [pem("issuing"), pem("root")];
        let list = CertificateChain::of_json(&Json::from_serialize(&both).unwrap());
        let text =
            format!("subject: x\r\n{}\r\nsubject: y\n{}trailing", both[0].replace('\n', "\r\n"), both[1]);
        assert_eq!(list, CertificateChain::of_json(&Json::from_serialize(&text).unwrap()));
        assert_eq!(list.to_pem(), both.concat());
        assert_eq!((list.root_pem(), list.intermediates_pem()), (Some(both[1].as_str()), both[0].clone()));
    }

    #[test]
    fn text_that_is_no_chain_is_an_empty_one() {
        for json in ["null", "\"\"", "[]", "7", "{}", "\"-----BEGIN CERTIFICATE-----\\nx\""] {
            assert!(CertificateChain::of_json(&Json::parse(json).unwrap()).is_empty(), "{json}");
        }
    }
}
