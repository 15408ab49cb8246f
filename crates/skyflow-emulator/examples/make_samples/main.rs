//! Makes the sample files of `examples/files`: `cargo run -p skyflow-emulator --example make_samples -- examples/files`
//!
//! Everyone in them is invented, and the same program always makes the same bytes.

mod archive;
mod excel;
mod pdf;
mod person;
mod slides;
mod word;

use std::path::PathBuf;

use person::Person;

const PERSON: Person<'_> =
    Person { name: "Maya Lindqvist", card: "4111111111111111", mail: "maya.lindqvist@example.com" };

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

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("examples/files"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    for (name, content) in [
        ("sample.txt", PERSON.fill(TEXT).into_bytes()),
        ("sample.csv", PERSON.fill(TABLE).into_bytes()),
        ("sample.json", PERSON.fill(JSON).into_bytes()),
        ("sample.xml", PERSON.fill(XML).into_bytes()),
        ("sample.docx", word::word(&PERSON)?),
        ("sample.xlsx", excel::excel(&PERSON)?),
        ("sample.pptx", slides::slides(&PERSON)?),
        ("sample.pdf", pdf::pdf(&PERSON)?),
    ] {
        std::fs::write(folder.join(name), content)?;
    }
    Ok(())
}
