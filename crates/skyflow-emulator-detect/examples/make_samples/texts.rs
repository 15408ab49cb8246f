use super::person::Person;

const TEXT: &str = "Hello,\r\n\r\nmy name is {name}. Please send the invoice to {mail}.\r\n\
    My card is {card}, and my phone number is +1 415 555 0132.\r\n";
const TABLE: &str = "name,email_address,card_number,note\n\
    {name},{mail},{card},\"called on 2026-01-05, \"\"urgent\"\"\"\n\
    Tom Okafor,tom.okafor@example.org,5555555555554444,\n";
const JSON: &str = r#"{
  "customer": { "name": "{name}", "email": "{mail}" },
  "payment": { "card_number": {card}, "amount": 129.90 },
  "notes": ["{name} asked to be called at +1 415 555 0132.", "No complaint."]
}
"#;
const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<order id="1207">
  <!-- Taken by phone from {name}. -->
  <customer email="{mail}"><name>{name}</name></customer>
  <card>{card}</card>
  <note><![CDATA[Ship to {name} & family.]]></note>
</order>
"#;

/// Makes a file of each format that is text, named by its extension.
pub(crate) fn texts(person: &Person<'_>) -> [(&'static str, Vec<u8>); 4] {
    [("txt", TEXT), ("csv", TABLE), ("json", JSON), ("xml", XML)]
        .map(|(format, template)| (format, person.fill(template).into_bytes()))
}
