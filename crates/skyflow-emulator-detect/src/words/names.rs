//! Names of people, in lowercase.

/// Given names that are hardly ever anything else.
pub(crate) const GIVEN: &[&str] = &[
    "aaron", "abigail", "adam", "adrian", "agnes", "ahmed", "aisha", "alan", "albert", "alejandro", "alex",
    "alexander", "alexandra", "alice", "alison", "amanda", "amelia", "amir", "amy", "ana", "andrea", "andrew",
    "andré", "angela", "anita", "anna", "anne", "anthony", "antonio", "arjun", "arthur", "barbara",
    "beatrice", "benjamin", "bernard", "beth", "betty", "björn", "brandon", "brenda", "brian", "bruce",
    "camille", "carl", "carla", "carlos", "carmen", "caroline", "catherine", "cecilia", "charles", "chen",
    "chiara", "chloe", "chloé", "chris", "christina", "christine", "christopher", "claire", "clara",
    "claudia", "colin", "connor", "craig", "cynthia", "daniel", "david", "deborah", "denise", "dennis",
    "derek", "diana", "diego", "dmitri", "donald", "donna", "dorothy", "douglas", "edith", "edward", "edwin",
    "eleanor", "elena", "eli", "elizabeth", "ella", "ellen", "emily", "emma", "eric", "erik", "erin",
    "esther", "ethan", "eugene", "evelyn", "fatima", "felix", "fernando", "fiona", "francesca", "francis",
    "francisco", "françois", "frederick", "gabriel", "gabriela", "gareth", "gary", "george", "gerald",
    "gloria", "gordon", "gregory", "guillermo", "gustav", "hanna", "hannah", "hans", "harold", "harry",
    "hassan", "heather", "helen", "helga", "henry", "hiroshi", "howard", "ibrahim", "ingrid", "irene",
    "isaac", "isabel", "isabella", "ivan", "jack", "jacob", "jacqueline", "james", "jamie", "jane", "janet",
    "janice", "jason", "javier", "jean", "jeffrey", "jennifer", "jeremy", "jerome", "jessica", "joan",
    "joanna", "joel", "johan", "johannes", "john", "jonathan", "jorge", "jose", "joseph", "joshua", "josé",
    "juan", "judith", "julia", "julian", "julie", "jörg", "jürgen", "karen", "karl", "katherine", "kathleen",
    "keith", "kelly", "kenji", "kenneth", "kevin", "khalid", "kimberly", "klaus", "kristen", "kumar", "larry",
    "laura", "lauren", "laurence", "leonard", "leticia", "liam", "linda", "lisa", "logan", "louis", "louise",
    "lucas", "lucia", "lucy", "luis", "luke", "lydia", "malik", "marcus", "margaret", "maria", "marie",
    "marilyn", "mario", "marta", "mary", "martha", "martin", "maría", "matthew", "maureen", "mei", "melissa",
    "michael", "michelle", "miguel", "miriam", "mohammed", "monica", "muhammad", "nadia", "nancy", "naomi",
    "natalie", "natasha", "nathan", "neil", "nicholas", "nicole", "nikolai", "nina", "noah", "nora", "norman",
    "olga", "oliver", "olivia", "omar", "oscar", "pablo", "pamela", "patricia", "patrick", "paul", "pauline",
    "pedro", "peter", "philip", "philippe", "pierre", "priya", "rachel", "rafael", "raj", "ralph", "raymond",
    "rebecca", "rené", "ricardo", "richard", "robert", "roberto", "roger", "ronald", "rosa", "russell",
    "ruth", "ryan", "samantha", "samuel", "sandra", "sara", "sarah", "scott", "sean", "sebastian", "sergei",
    "sharon", "shirley", "simon", "sofia", "sofía", "sophia", "sophie", "stanley", "stefan", "stephanie",
    "stephen", "steven", "stuart", "susan", "sven", "svetlana", "sylvia", "søren", "tanya", "teresa",
    "thomas", "timothy", "todd", "tom", "trevor", "tyler", "ursula", "valerie", "vanessa", "veronica",
    "victor", "victoria", "vincent", "vladimir", "walter", "wayne", "wei", "wendy", "wilhelm", "william",
    "xavier", "yasmin", "yuki", "yusuf", "yvonne", "zachary", "zoe", "zoé", "zoë",
];

/// Given names that are ordinary words, months, places or family names too: they need more than a capital.
pub(crate) const GIVEN_AND_MORE: &[&str] = &[
    "april", "art", "christian", "jan", "leo", "august", "austin", "autumn", "bill", "bob", "brook", "brooke",
    "chance", "charity", "charlotte", "chase", "chelsea", "chuck", "cliff", "crystal", "daisy", "dale",
    "dallas", "dawn", "dean", "dick", "drew", "earl", "eve", "faith", "florence", "frank", "gene", "georgia",
    "ginger", "grace", "grant", "guy", "hazel", "heath", "holly", "hope", "hunter", "iris", "ivy", "jade",
    "jasmine", "jesse", "jesus", "jim", "jordan", "joy", "june", "kent", "lance", "lily", "madison", "mark",
    "mason", "max", "may", "melody", "mercedes", "mike", "miles", "morgan", "nick", "norm", "olive", "page",
    "paige", "paris", "parker", "pat", "patience", "pearl", "penny", "pierce", "ray", "reed", "rich", "rob",
    "robin", "rod", "rose", "ruby", "rusty", "sage", "sandy", "savannah", "sid", "skip", "sky", "sonny",
    "spencer", "stella", "sue", "summer", "sunny", "sydney", "taylor", "ted", "tiffany", "trinity", "troy",
    "tucker", "van", "vera", "victor", "violet", "wade", "warren", "will", "willow",
];

/// Family names that are hardly ever ordinary words.
pub(crate) const FAMILY: &[&str] = &[
    "abbott", "adams", "ahmed", "ali", "allen", "alvarez", "andersen", "anderson", "andersson", "armstrong",
    "bailey", "barnes", "barrett", "bauer", "becker", "bennett", "bernard", "bianchi", "brennan", "brooks",
    "bryant", "burke", "byrne", "cameron", "campbell", "carlson", "carpenter", "carter", "castillo", "chan",
    "chang", "chaudhary", "chavez", "chen", "cho", "choi", "clark", "clarke", "cohen", "coleman", "collins",
    "connolly", "cooper", "costa", "cruz", "cunningham", "daniels", "davidson", "davies", "davis", "delgado",
    "diaz", "dietrich", "dixon", "doe", "doyle", "duarte", "dubois", "dupont", "edwards", "ellis", "evans",
    "fernandez", "fernández", "ferrari", "fischer", "fitzgerald", "fleming", "flores", "ford", "foster",
    "fraser", "freeman", "friedman", "fujimoto", "garcia", "garcía", "gibson", "gomez", "gonzales",
    "gonzalez", "gonzález", "graham", "green", "griffin", "gupta", "gutierrez", "hamilton", "hansen",
    "harris", "harrison", "hawkins", "hayes", "henderson", "hernandez", "hernández", "herrera", "hoffman",
    "hoffmann", "holmes", "howard", "huang", "hughes", "hussain", "ibrahim", "ito", "ivanov", "jackson",
    "jacobs", "jain", "jansen", "jenkins", "jensen", "jimenez", "johansson", "johnson", "johnston", "jones",
    "joshi", "kaminski", "kapoor", "kaur", "kelly", "kennedy", "khan", "kim", "klein", "kobayashi",
    "kowalski", "kumar", "larsen", "lawson", "lee", "lefebvre", "lewis", "liu", "lopez", "lópez", "macdonald",
    "maier", "marino", "marshall", "martin", "martinez", "martínez", "mccarthy", "mcdonald", "medina",
    "mehta", "mendoza", "meyer", "miller", "mitchell", "mohamed", "morales", "moreau", "moreno", "morris",
    "morrison", "muller", "murphy", "murray", "müller", "nakamura", "nelson", "nguyen", "nielsen", "novak",
    "nowak", "núñez", "o'brien", "o'connor", "o'neil", "o'neill", "o'sullivan", "obrien", "olsen", "ortiz",
    "owens", "park", "patel", "patterson", "perez", "peters", "petersen", "peterson", "petrov", "phillips",
    "powell", "pérez", "ramirez", "ramos", "ramírez", "reddy", "reyes", "reynolds", "rivera", "roberts",
    "robertson", "robinson", "rodriguez", "rogers", "romero", "rossi", "ruiz", "russell", "russo", "ryan",
    "sanchez", "sanders", "sato", "schmidt", "schneider", "schulz", "schwarz", "scott", "sharma", "shaw",
    "silva", "simmons", "simpson", "singh", "smirnov", "smith", "stevens", "stewart", "sullivan", "suzuki",
    "svensson", "sánchez", "tanaka", "taylor", "thompson", "thomson", "torres", "tran", "turner", "vargas",
    "vasquez", "wagner", "walker", "wallace", "walsh", "wang", "ward", "watanabe", "watson", "weber", "weiss",
    "wilkins", "williams", "williamson", "wilson", "wong", "wright", "wu", "yamamoto", "yang", "yilmaz",
    "young", "zhang", "zhao", "zhou", "zimmermann",
];

/// Titles of people, without their full stop.
pub(crate) const TITLES: &[&str] = &[
    "captain", "colonel", "dame", "doctor", "dr", "father", "frau", "governor", "herr", "judge", "lady",
    "lord", "madam", "madame", "miss", "monsieur", "mr", "mrs", "ms", "mx", "nurse", "officer", "president",
    "prof", "professor", "rev", "reverend", "senator", "sergeant", "señor", "señora", "sir", "sister",
];

/// Titles of people who treat others.
pub(crate) const MEDICAL_TITLES: &[&str] = &[
    "doctor", "dr", "nurse",
];

/// Words inside of a name that have no capital.
pub(crate) const PARTICLES: &[&str] = &[
    "al", "ben", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "ibn",
    "la", "le", "ten", "ter", "van", "vom", "von", "zu",
];

/// Ends of names.
pub(crate) const SUFFIXES: &[&str] = &[
    "ii", "iii", "iv", "jr", "sr",
];

/// Family names that are ordinary words too: no unknown word before them makes a name.
pub(crate) const FAMILY_AND_MORE: &[&str] = &[
    "brooks", "carpenter", "carter", "coleman", "cooper", "ford", "foster", "freeman", "green", "hamilton",
    "jackson", "kaiser", "lawson", "long", "marshall", "mason", "park", "silva", "stewart", "turner",
    "wagner", "walker", "ward", "watson", "wright", "young",
];

/// Words behind which a name is a place or an organization.
pub(crate) const PLACE_ENDS: &[&str] = &[
    "ave", "avenue", "blvd", "boulevard", "castle", "city", "clinic", "college", "company", "corp",
    "corporation", "county", "court", "drive", "gmbh", "hospital", "inc", "island", "lake", "lane", "llc",
    "ltd", "medical", "park", "rd", "river", "road", "school", "square", "st", "street", "university",
];

/// Words before which a name is a place.
pub(crate) const PLACE_STARTS: &[&str] = &[
    "fort", "lake", "los", "mount", "new", "port", "saint", "san", "santa", "st",
];

/// Words that begin with a capital at the start of a sentence or in titles, and are no part of a name.
pub(crate) const NEVER: &[&str] = &[
    "a", "about", "account", "accounts", "address", "after", "again", "age", "ago", "all", "also", "always",
    "am", "an", "and", "any", "are", "as", "asked", "at", "avenue", "bank", "be", "because", "been", "before",
    "best", "birth", "blvd", "born", "boulevard", "box", "but", "by", "call", "called", "calls", "can",
    "can't", "card", "cards", "care", "case", "cell", "center", "centre", "city", "clinic", "colleague",
    "colleagues", "college", "come", "company", "contact", "corp", "could", "county", "court", "credit",
    "customer", "data", "date", "day", "days", "dear", "december", "department", "did", "director", "do",
    "dob", "doctor", "does", "don't", "done", "dr", "drive", "due", "each", "east", "email", "employee",
    "every", "everyone", "february", "female", "file", "first", "for", "fort", "friday", "friend", "friends",
    "from", "general", "gets", "good", "got", "had", "has", "have", "he", "hello", "help", "her", "here",
    "hers", "hey", "hi", "him", "his", "home", "hospital", "hotel", "how", "hr", "human", "i", "i'll", "i'm",
    "i've", "id", "if", "in", "inc", "info", "invoice", "is", "it", "it's", "its", "january", "july", "just",
    "lake", "lane", "last", "let", "let's", "license", "like", "lives", "living", "llc", "local", "located",
    "look", "ltd", "mail", "male", "manager", "march", "married", "me", "medical", "meet", "meeting", "met",
    "miss", "mobile", "monday", "more", "mount", "mr", "mrs", "ms", "much", "must", "my", "name", "near",
    "needs", "never", "new", "next", "no", "nor", "north", "not", "note", "notes", "november", "now",
    "number", "october", "of", "office", "ok", "old", "on", "once", "one", "only", "or", "order", "other",
    "our", "out", "over", "park", "passport", "password", "patient", "payment", "people", "phone", "place",
    "plaza", "please", "policy", "port", "product", "project", "range", "ranges", "re", "really", "regards",
    "reply", "report", "resources", "river", "road", "room", "said", "saint", "sales", "san", "santa",
    "saturday", "says", "school", "see", "sent", "september", "service", "services", "she", "should",
    "signed", "since", "sincerely", "sir", "sister", "so", "some", "south", "ssn", "st", "state", "states",
    "still", "street", "subject", "such", "summary", "sunday", "support", "sure", "system", "team", "tel",
    "than", "thank", "thanks", "that", "that's", "the", "their", "them", "then", "there", "these", "they",
    "they're", "thinks", "this", "those", "thursday", "time", "to", "today", "told", "tomorrow", "too",
    "tuesday", "two", "under", "university", "until", "up", "us", "user", "username", "very", "via",
    "visited", "wants", "was", "we", "we'll", "we're", "we've", "wednesday", "welcome", "well", "went",
    "were", "west", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "with",
    "within", "without", "won't", "work", "works", "world", "would", "wrote", "yes", "yesterday", "yet",
    "you", "you'll", "you're", "you've", "your", "yours",
];
