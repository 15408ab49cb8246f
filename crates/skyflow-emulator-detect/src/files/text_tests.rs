use serde_json::json;

use super::planted::{
    self, MAIL, NAME, NUMBER, ReplacePlanted, assert_nothing_planted, by_the_rules, keep, redact, replaced,
    run,
};
use super::{FileOptions, FileProblem, process};

fn text(format: &str, content: &str) -> String {
    let redacted = redact(format, content.as_bytes());
    assert_nothing_planted(&redacted);
    String::from_utf8(redacted).unwrap()
}

fn labels(format: &str, content: &str) -> Vec<String> {
    let mut rewrite = ReplacePlanted::default();
    process(format, content.as_bytes(), &FileOptions::default(), None, &mut rewrite).unwrap();
    rewrite.labels
}

#[test]
fn a_text_keeps_its_line_ends_and_its_encoding() {
    assert_eq!(
        text("txt", &format!("Hi {NAME},\r\ncard {NUMBER}\r\n")),
        "Hi [NAME_1],\r\ncard [CREDIT_CARD_1]\r\n"
    );
    assert_eq!(text("txt", "Ada\nQuillfeather"), "[NAME_1]");
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(format!("\u{fc} {NAME}").encode_utf16().flat_map(u16::to_le_bytes));
    let redacted = redact("txt", &utf16);
    assert_nothing_planted(&redacted);
    assert_eq!(&redacted[..6], b"\xff\xfe\xfc\0 \0");
    let latin = [b"\xfc ", NAME.as_bytes()].concat();
    assert_eq!(redact("txt", &latin), b"\xfc [NAME_1]");
}

/// Returns the passages that a file shows.
fn passages(format: &str, content: &[u8]) -> Vec<String> {
    let mut rewrite = ReplacePlanted::default();
    process(format, content, &FileOptions::default(), None, &mut rewrite).unwrap();
    rewrite.passages
}

#[test]
fn windows_1252_names_are_whole_and_bytes_stay() {
    let txt = b"My name is Jane O\x92Neill, \x80 5 \x81\r\n".as_slice();
    let csv = b"a,b\nO\x92Neill,\x8d\n".as_slice();
    let xml = b"<?xml version='1.0' encoding='windows-1252'?><a>O\x92Neill \x9d\xfc</a>".as_slice();
    // What says ISO-8859-1 is Windows-1252 where it has its bytes.
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>O\x92Neill</a>".as_slice();
    for (format, content) in [("txt", txt), ("csv", csv), ("xml", xml), ("xml", latin)] {
        let shown = passages(format, content);
        assert!(shown.iter().any(|passage| passage.contains("O\u{2019}Neill")), "{shown:?}");
        assert_eq!(keep(format, content), content);
        let planted = [content, b"<!--", NAME.as_bytes(), b"-->"].concat();
        assert_eq!(redact(format, &planted), [content, b"<!--[NAME_1]-->"].concat());
    }
}

#[test]
fn nothing_of_a_name_in_windows_1252_is_left() {
    let content = b"My name is Jane O\x92Neill.";
    let processed = by_the_rules("txt", content, json!({})).unwrap();
    assert_eq!(String::from_utf8_lossy(&processed), "My name is [NAME_1].");
}

#[test]
fn words_are_counted_before_and_after() {
    let run = run("txt", format!("{NAME} \u{fc}").as_bytes()).unwrap();
    assert_eq!((run.input.words, run.input.characters), (3, NAME.len() as u64 + 2));
    assert_eq!((run.processed.words, run.processed.characters), (2, 10));
    assert_eq!((run.outputs[0].kind, run.outputs[0].extension.as_str()), ("redacted_file", "txt"));
}

#[test]
fn csv_keeps_quotes_and_labels_cells_by_header() {
    let table = format!("name;card\r\n\"{NAME}\"; {NUMBER} \r\n\"says \"\"{NAME}\"\"\nand\";1\r\n\r\nx");
    assert_eq!(
        text("csv", &table),
        "name;card\r\n\"[NAME_1]\"; [CREDIT_CARD_1] \r\n\"says \"\"[NAME_1]\"\"\nand\";1\r\n\r\nx"
    );
    assert_eq!(labels("csv", &table), ["name", "card", "name"]);
}

#[test]
fn csv_quotes_a_replacement_that_needs_it() {
    assert_eq!(
        replaced("csv", b"a,b\n[N],\"[N]\"\n", &[("[N]", "Roe, \"J\"")]),
        b"a,b\n\"Roe, \"\"J\"\"\",\"Roe, \"\"J\"\"\"\n"
    );
}

#[test]
fn csv_delimiter_is_inferred_from_records() {
    for (table, label) in [
        ("a\tb\n1\tX\n", "b"),
        ("a|b\n1|X\n", "b"),
        ("a,b\n\"1;2;3\",X\n", "b"),
        ("sep=;\na;b\n1;X\n", "b"),
        ("Report\n\na;b\n1;X\n", "b"),
        ("Report, final\na;b\n1;X\n2;y\n", "b"),
        ("X\n", ""),
        ("1234,a@b\n5,X\n", ""),
    ] {
        assert_eq!(labels("csv", &table.replace('X', NAME)), [label], "{table}");
    }
}

#[test]
fn csv_headers_and_labels_are_found_in_any_row() {
    for (table, expected) in [
        ("\nname,ssn\nZorb Quux,123456789\n", "\nname,ssn\n[NAME_1],[SSN_1]\n"),
        ("Report\n\nssn,notes\n123456789,x\n", "Report\n\nssn,notes\n[SSN_1],x\n"),
        (
            "Customers;;\nid;First name;SSN\n1;Zorb;123456789\n",
            "Customers;;\nid;First name;SSN\n1;[NAME_GIVEN_1];[SSN_1]\n",
        ),
        ("Name,Zorb Quux\nSSN,123456789\nNotes,fine\n", "Name,[NAME_1]\nSSN,[SSN_1]\nNotes,fine\n"),
        ("field,value\nssn,123456789\ncvv,123\n", "field,value\nssn,[SSN_1]\ncvv,[CVV_1]\n"),
        ("Name,SSN\nSSN,123456789\n", "Name,SSN\nSSN,[SSN_1]\n"),
        ("\u{feff}ssn,x\n123456789,y\n", "\u{feff}ssn,x\n[SSN_1],y\n"),
    ] {
        let processed = by_the_rules("csv", table.as_bytes(), json!({})).unwrap();
        assert_eq!(String::from_utf8(processed).unwrap(), expected);
    }
}

#[test]
fn json_labels_beside_values_are_used_and_kept() {
    for (source, expected) in [
        (r#"{"name":"ssn","value":"123456789"}"#, r#"{"name":"ssn","value":"[SSN_1]"}"#),
        (r#"{"name":"SSN","value":123456789}"#, r#"{"name":"SSN","value":"[SSN_1]"}"#),
        (r#"{"value":"123456789","key":"ssn"}"#, r#"{"value":"[SSN_1]","key":"ssn"}"#),
        (r#"{"label":"Full name:","text":"zorb quux"}"#, r#"{"label":"Full name:","text":"[NAME_1]"}"#),
        (
            r#"{"field":"Doctor","value":"Zorb"}"#,
            r#"{"field":"Doctor","value":"[NAME_MEDICAL_PROFESSIONAL_1]"}"#,
        ),
        (r#"{"name":"cvv","values":["123","456"]}"#, r#"{"name":"cvv","values":["[CVV_1]","[CVV_2]"]}"#),
        (r#"{"ssn":{"value":"123456789","type":"text"}}"#, r#"{"ssn":{"value":"[SSN_1]","type":"text"}}"#),
        (r#"{"name":"ssn","value":{"text":"123456789"}}"#, r#"{"name":"ssn","value":{"text":"[SSN_1]"}}"#),
        (r#"[["name","ssn"],["Zorb Quux",123456789]]"#, r#"[["name","ssn"],["[NAME_1]","[SSN_1]"]]"#),
        (r#"[["Report"],[],["cvv","x"],["123","y"]]"#, r#"[["Report"],[],["cvv","x"],["[CVV_1]","y"]]"#),
        (r#"[["ssn","123456789"],["cvv","123"]]"#, r#"[["ssn","[SSN_1]"],["cvv","[CVV_1]"]]"#),
        (
            r#"{"columns":["id","cvv"],"data":[[1,"123"],[2,"456"]]}"#,
            r#"{"columns":["id","cvv"],"data":[[1,"[CVV_1]"],[2,"[CVV_2]"]]}"#,
        ),
        (r#"{"name":"timeout","value":"123456789"}"#, r#"{"name":"timeout","value":"123456789"}"#),
        (r#"{"name":"ssn","count":"123456789"}"#, r#"{"name":"ssn","count":"123456789"}"#),
    ] {
        let processed = by_the_rules("json", source.as_bytes(), json!({})).unwrap();
        assert_eq!(String::from_utf8(processed).unwrap(), expected);
    }
}

#[test]
fn xml_labels_beside_values_are_used_and_kept() {
    for (source, expected) in [
        (r#"<f name="ssn">123456789</f>"#, r#"<f name="ssn">[SSN_1]</f>"#),
        (r#"<f key="SSN" value="123456789"/>"#, r#"<f key="SSN" value="[SSN_1]"/>"#),
        (
            r#"<f><name>SSN</name><value>123456789</value></f>"#,
            r#"<f><name>SSN</name><value>[SSN_1]</value></f>"#,
        ),
        (r#"<f name="cvv"><value>123</value></f>"#, r#"<f name="cvv"><value>[CVV_1]</value></f>"#),
        (r#"<a><cvv><value>123</value></cvv></a>"#, r#"<a><cvv><value>[CVV_1]</value></cvv></a>"#),
        (r#"<dl><dt>CVV</dt><dd>123</dd></dl>"#, r#"<dl><dt>CVV</dt><dd>[CVV_1]</dd></dl>"#),
        (
            r#"<f><label>CVV:</label><input value="123"/></f>"#,
            r#"<f><label>CVV:</label><input value="[CVV_1]"/></f>"#,
        ),
        (
            "<t><tr><td>Report</td></tr><tr><th>id</th><th>cvv</th></tr><tr><td>1</td><td>123</td></tr></t>",
            "<t><tr><td>Report</td></tr><tr><th>id</th><th>cvv</th></tr><tr><td>1</td><td>[CVV_1]</td></tr></t>",
        ),
        (
            "<t><thead><tr><th>id</th><th>cvv</th></tr></thead><tbody><tr><td>1</td><td>123</td></tr></tbody></t>",
            "<t><thead><tr><th>id</th><th>cvv</th></tr></thead><tbody><tr><td>1</td><td>[CVV_1]</td></tr></tbody></t>",
        ),
        (r#"<f name="timeout">123456789</f>"#, r#"<f name="timeout">123456789</f>"#),
    ] {
        let processed = by_the_rules("xml", source.as_bytes(), json!({})).unwrap();
        assert_eq!(String::from_utf8(processed).unwrap(), expected);
    }
}

#[test]
fn json_changes_in_its_literals_only() {
    let escaped: String = NAME.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
    let source = format!(
        "{{ \"b\" : [ 1.50, {NUMBER}, -0 ],\n \"{NAME}\": \"{escaped}\\n\\ud83d\\ude00 \\/ \\\"x\", \"a\": {{\"mail\": \"<{MAIL}>\"}} }}\n"
    );
    assert_eq!(
        text("json", &source),
        "{ \"b\" : [ 1.50, \"[CREDIT_CARD_1]\", -0 ],\n \"[NAME_1]\": \"[NAME_1]\\n\\ud83d\\ude00 \\/ \\\"x\", \
         \"a\": {\"mail\": \"<[EMAIL_ADDRESS_1]>\"} }\n"
    );
    assert_eq!(labels("json", &source), ["b", "", NAME, "mail"]);
    let kept = "{\"z\":1e5,\"a\":[\"\\u0041\",\t12345678901234567890.10]}";
    assert_eq!(keep("json", kept.as_bytes()), kept.as_bytes());
}

#[test]
fn members_of_one_token_keep_names_of_their_own() {
    let words = [("Jane Doe", "[NAME]"), ("John Smith", "[NAME]"), ("Al Roe", "[NAME]"), ("1990", "1991")];
    for (source, expected) in [
        (r#"{"Jane Doe":1,"John Smith":2}"#, r#"{"[NAME]":1,"[NAME_2]":2}"#),
        (r#"{"[NAME_2]":0,"Jane Doe":1,"John Smith":2}"#, r#"{"[NAME_2]":0,"[NAME]":1,"[NAME_3]":2}"#),
        // A name that is kept counts in any position.
        (r#"{"Jane Doe":1,"John Smith":2,"[NAME]":3}"#, r#"{"[NAME_2]":1,"[NAME_3]":2,"[NAME]":3}"#),
        (r#"{"of Jane Doe!":1,"of John Smith!":2}"#, r#"{"of [NAME]!":1,"of [NAME_2]!":2}"#),
        (r#"{"1991":1,"1990":"1990"}"#, r#"{"1991":1,"1991_2":"1991"}"#),
        // Names are unique within an object only.
        (
            r#"[{"Jane Doe":{"Al Roe":1,"Jane Doe":2},"Al Roe":3},{"John Smith":"Al Roe"}]"#,
            r#"[{"[NAME]":{"[NAME]":1,"[NAME_2]":2},"[NAME_2]":3},{"[NAME]":"[NAME]"}]"#,
        ),
        // A member that is repeated stays repeated, however it is written.
        (r#"{"Jane Doe":1,"Al Roe":2,"J\u0061ne Doe":3}"#, r#"{"[NAME]":1,"[NAME_2]":2,"[NAME]":3}"#),
    ] {
        let result = replaced("json", source.as_bytes(), &words);
        assert_eq!(String::from_utf8(result).unwrap(), expected);
    }
    let lines = replaced("jsonl", b"{\"Jane Doe\":1}\n{\"Al Roe\":2}\n", &words);
    assert_eq!(lines, b"{\"[NAME]\":1}\n{\"[NAME]\":2}\n");
}

#[test]
fn members_with_one_token_are_numbered() {
    let members: Vec<String> = (0..20_000).map(|number| format!("\"{number:05}X\":1")).collect();
    let digits: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    let words: Vec<(&str, &str)> = digits.iter().map(|digit| (digit.as_str(), "")).collect();
    let result = replaced("json", format!("{{{}}}", members.join(",")).as_bytes(), &words);
    let result: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&result).unwrap();
    assert_eq!(result.len(), members.len());
    assert!(result.contains_key("X") && result.contains_key("_20000X"));
}

#[test]
fn each_line_of_jsonl_is_a_document() {
    let source = format!("{{\"n\":\"{NAME}\"}}\r\n\n\"{MAIL}\"\n{NUMBER}");
    assert_eq!(
        text("jsonl", &source),
        "{\"n\":\"[NAME_1]\"}\r\n\n\"[EMAIL_ADDRESS_1]\"\n\"[CREDIT_CARD_1]\""
    );
    assert!(
        matches!(run("jsonl", b"{}\n{"), Err(FileProblem::Broken(message)) if message.contains("line 2"))
    );
}

#[test]
fn xml_changes_in_its_characters_only() {
    let escaped: String = NAME.chars().map(|c| format!("&#x{:X};", u32::from(c))).collect();
    let source = format!(
        "<?xml version='1.0'?>\n<!-- {NAME} --><a xmlns=\"http://x\" n='{NUMBER}'>\n<?go {MAIL}?><b>{escaped} &amp; <![CDATA[{NAME} & ]]></b>\
         <c>Ada <![CDATA[Quill]]><!-- x -->feather</c></a>"
    );
    assert_eq!(
        text("xml", &source),
        "<?xml version='1.0'?>\n<!-- [NAME_1] --><a xmlns=\"http://x\" n='[CREDIT_CARD_1]'>\n<?go _EMAIL_ADDRESS_1_?><b>[NAME_1] &amp; \
         <![CDATA[[NAME_1] & ]]></b><c>[NAME_1]<![CDATA[]]><!-- x --></c></a>"
    );
    assert_eq!(labels("xml", &source), ["", "n", "", "b", "b", "c"]);
}

#[test]
fn a_section_of_xml_ends_where_it_did() {
    assert_eq!(
        text("xml", &format!("<a><![CDATA[x[{NAME}]> y {NAME}]]></a>")),
        "<a><![CDATA[x[[NAME_1]]]><![CDATA[]> y [NAME_1]]]></a>"
    );
}

#[test]
fn comments_of_xml_hold_what_is_put_into_them() {
    for (replacement, comment) in [
        ("1990-06-06", "<a><!-- born 1990-06-06 --></a>"),
        ("123-45-6789", "<a><!-- born 123-45-6789 --></a>"),
        ("a-->b", "<a><!-- born a-_>b --></a>"),
    ] {
        let source = format!("<a><!-- born {NAME} --></a>");
        assert_eq!(replaced("xml", source.as_bytes(), &[(NAME, replacement)]), comment.as_bytes());
    }
}

#[test]
fn xml_in_other_encodings_stays_in_them() {
    let latin =
        [b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xfc ".as_slice(), NAME.as_bytes(), b"</a>"]
            .concat();
    assert!(redact("xml", &latin).ends_with(b"<a>\xfc [NAME_1]</a>"));
    // A reference would be literal text in a CDATA section.
    let section = [
        b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xfc<![CDATA[".as_slice(),
        NAME.as_bytes(),
        b"]]></a>",
    ]
    .concat();
    assert_eq!(
        String::from_utf8(replaced("xml", &section, &[(NAME, "\u{141}ukasz")])).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\u{fc}<![CDATA[\u{141}ukasz]]></a>"
    );
    let mut utf16 = vec![0xfe, 0xff];
    utf16.extend(format!("<a>{NAME}</a>").encode_utf16().flat_map(u16::to_be_bytes));
    assert_nothing_planted(&redact("xml", &utf16));
}

#[test]
fn files_that_are_not_what_they_say_are_broken() {
    for (format, content) in [
        ("json", &b"{\"a\": }"[..]),
        ("json", b""),
        ("xml", b"<a><b></a>"),
        ("xml", b"<a>&unknown;</a>"),
        ("xml", b"<a b=c/>"),
        ("xml", b"<a/><b/>"),
        ("xml", b"text"),
        ("xml", b"\xff<a/>"),
        ("txt", b"\xff\xfea"),
    ] {
        let problem = run(format, content).err();
        assert!(matches!(problem, Some(FileProblem::Broken(_))), "{content:?}");
    }
}

#[test]
fn entities_of_a_doctype_are_refused() {
    let bomb = b"<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>";
    assert!(matches!(run("xml", bomb), Err(FileProblem::Unsupported(_))));
    assert_eq!(keep("xml", b"<!DOCTYPE html><a/>"), b"<!DOCTYPE html><a/>");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert!(matches!(run("json", deep.as_bytes()), Err(FileProblem::TooLarge(_))));
    let deep = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
    assert!(matches!(run("xml", deep.as_bytes()), Err(FileProblem::TooLarge(_))));
}

#[test]
fn csv_records_with_too_many_cells_are_refused() {
    let quoted = "\"\n\",".repeat(1_500_000);
    assert!(matches!(run("csv", quoted.as_bytes()), Err(FileProblem::TooLarge(_))));
    let plain = "a,".repeat(200_000);
    assert!(matches!(run("csv", plain.as_bytes()), Err(FileProblem::TooLarge(_))));
    // The limit is one of records: a cell may hold any number of delimiters, and a table any number of cells.
    let kept = format!("\"{}\",b\n", ",".repeat(200_000)) + &"a,b\n".repeat(100_000);
    assert_eq!(keep("csv", kept.as_bytes()), kept.as_bytes());
}

#[test]
fn cut_files_are_survived() {
    let json = format!("{{\"{NAME}\":[\"\\ud83d\\ude00\\\"{NAME}\",{NUMBER}]}}").repeat(10);
    let xml = format!("<a n='{NUMBER}'><!-- {NAME} --><![CDATA[{NAME}]]>&#65;</a>").repeat(10);
    let csv = format!("a,b\n\"{NAME}\"\"\",{NUMBER}\n").repeat(20);
    for (format, content) in [("json", &json), ("xml", &xml), ("csv", &csv), ("txt", &csv), ("jsonl", &json)]
    {
        planted::survive_cuts(format, content.as_bytes());
    }
}

#[test]
fn unsupported_formats_name_the_canned_result() {
    for format in ["xls", "doc", "ppt", "dcm", "mp3", "wav", "exe"] {
        let Err(FileProblem::Unsupported(message)) = run(format, b"") else { panic!("{format}") };
        assert!(message.contains("canned result"), "{message}");
    }
}
