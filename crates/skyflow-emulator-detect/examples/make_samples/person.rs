/// Who a sample speaks of; invented.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) name: &'a str,
    pub(crate) card: &'a str,
    pub(crate) mail: &'a str,
}

impl Person<'_> {
    /// Fills a template: `{name}`, `{card}`, `{mail}`, and the halves of each, such as `{name1}` and `{name2}`.
    ///
    /// `{first}` and `{last}` are the words of the name.
    /// `{NAME}` is the name in references of characters, which XML reads as the name, and `{exponent}` the card as a
    /// spreadsheet may note a long number.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut filled = template.to_owned();
        for (key, value) in [("name", self.name), ("card", self.card), ("mail", self.mail)] {
            let middle = value.char_indices().nth(value.chars().count() / 2).map_or(0, |(at, _)| at);
            let (first, second) = value.split_at(middle);
            filled = filled.replace(&format!("{{{key}}}"), value);
            filled = filled.replace(&format!("{{{key}1}}"), first).replace(&format!("{{{key}2}}"), second);
        }
        let (first, last) = self.name.split_once(' ').unwrap_or((self.name, ""));
        filled = filled.replace("{first}", first).replace("{last}", last);
        let references: String = self.name.chars().map(|c| format!("&#{};", u32::from(c))).collect();
        let (first, rest) = self.card.split_at(1);
        let exponent = format!("{first}.{rest}E{}", rest.len());
        filled.replace("{NAME}", &references).replace("{exponent}", &exponent)
    }
}
