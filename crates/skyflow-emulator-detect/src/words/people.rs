//! What people are: by language, origin, belief, work and more.

/// Languages; many are origins too.
pub(crate) const LANGUAGES: &[&str] = &[
    "afrikaans", "american sign language", "amharic", "arabic", "armenian", "basque", "bengali", "bulgarian",
    "burmese", "cantonese", "catalan", "croatian", "czech", "danish", "dutch", "english", "esperanto",
    "estonian", "farsi", "finnish", "flemish", "french", "gaelic", "georgian", "german", "greek", "gujarati",
    "hausa", "hebrew", "hindi", "hungarian", "icelandic", "igbo", "indonesian", "irish", "italian",
    "japanese", "kazakh", "khmer", "korean", "lao", "latin", "latvian", "lithuanian", "malay", "mandarin",
    "marathi", "mongolian", "nepali", "norwegian", "persian", "polish", "portuguese", "punjabi", "romanian",
    "russian", "serbian", "sinhala", "slovak", "somali", "spanish", "swahili", "swedish", "tagalog", "tamil",
    "telugu", "thai", "turkish", "ukrainian", "urdu", "uzbek", "vietnamese", "welsh", "xhosa", "yiddish",
    "yoruba", "zulu",
];

/// Nationalities and origins.
pub(crate) const ORIGINS: &[&str] = &[
    "afghan", "african american", "african-american", "albanian", "algerian", "american", "arab", "argentine",
    "argentinian", "asian american", "australian", "austrian", "bangladeshi", "belarusian", "belgian",
    "bolivian", "bosnian", "brazilian", "british", "bulgarian", "cambodian", "canadian", "caucasian",
    "chilean", "chinese", "colombian", "croatian", "cuban", "czech", "danish", "dominican", "dutch",
    "ecuadorian", "egyptian", "english", "estonian", "ethiopian", "filipina", "filipino", "finnish", "french",
    "german", "ghanaian", "greek", "guatemalan", "haitian", "hispanic", "honduran", "hungarian", "icelandic",
    "indian", "indonesian", "iranian", "iraqi", "irish", "israeli", "italian", "jamaican", "japanese",
    "kenyan", "korean", "kurdish", "latina", "latino", "latvian", "lebanese", "libyan", "lithuanian",
    "malaysian", "mexican", "moroccan", "native american", "nepalese", "nepali", "new zealander", "nigerian",
    "norwegian", "pakistani", "palestinian", "paraguayan", "persian", "peruvian", "polish", "portuguese",
    "puerto rican", "romanian", "russian", "salvadoran", "saudi", "scottish", "senegalese", "serbian",
    "singaporean", "slovak", "slovenian", "somali", "south african", "south korean", "spanish", "sri lankan",
    "sudanese", "swedish", "swiss", "syrian", "taiwanese", "tanzanian", "thai", "tunisian", "turkish",
    "ugandan", "ukrainian", "uruguayan", "venezuelan", "vietnamese", "welsh", "zimbabwean",
];

/// Religions and those who follow them.
pub(crate) const RELIGIONS: &[&str] = &[
    "agnostic", "amish", "anglican", "atheism", "atheist", "baha'i", "baptist", "buddhism", "buddhist",
    "catholic", "catholicism", "christian", "christianity", "confucian", "episcopalian", "evangelical",
    "hindu", "hinduism", "islam", "jain", "jainism", "jehovah's witness", "jewish", "judaism", "lutheran",
    "methodist", "mormon", "muslim", "orthodox christian", "orthodox jew", "pagan", "pentecostal",
    "presbyterian", "protestant", "protestantism", "quaker", "rastafarian", "roman catholic", "scientologist",
    "shia", "shiite", "shinto", "sikh", "sikhism", "sufi", "sunni", "taoism", "taoist", "wiccan",
    "zen buddhist", "zoroastrian",
];

/// Occupations.
pub(crate) const OCCUPATIONS: &[&str] = &[
    "accountant", "actor", "actress", "analyst", "architect", "artist", "attorney", "baker", "banker",
    "barber", "barista", "bartender", "biologist", "bookkeeper", "bricklayer", "bus driver", "butcher",
    "carpenter", "cashier", "chef", "chemist", "chief executive officer", "cleaner", "consultant", "cook",
    "counselor", "data scientist", "dentist", "designer", "developer", "doctor", "economist", "editor",
    "electrician", "engineer", "farmer", "firefighter", "fisherman", "flight attendant", "florist",
    "gardener", "graphic designer", "hairdresser", "housekeeper", "interpreter", "janitor", "journalist",
    "judge", "lawyer", "lecturer", "librarian", "locksmith", "machinist", "mechanic", "midwife", "musician",
    "nanny", "nurse", "optometrist", "paralegal", "paramedic", "pediatrician", "pharmacist", "photographer",
    "physician", "physicist", "physiotherapist", "pilot", "plumber", "police officer", "product manager",
    "professor", "programmer", "project manager", "psychiatrist", "psychologist", "real estate agent",
    "receptionist", "sailor", "salesman", "salesperson", "scientist", "secretary", "security guard",
    "social worker", "software developer", "software engineer", "soldier", "surgeon", "tailor", "taxi driver",
    "teacher", "technician", "therapist", "translator", "truck driver", "veterinarian", "waiter", "waitress",
    "welder",
];

/// Genders.
pub(crate) const GENDERS: &[&str] = &[
    "agender", "cisgender", "female", "genderfluid", "genderqueer", "intersex", "male", "man", "non-binary",
    "nonbinary", "trans man", "trans woman", "transgender", "woman",
];

/// States of marriage. "Single" and "separated" are too common to be here.
pub(crate) const MARITAL_STATUSES: &[&str] = &[
    "civil partnership", "divorced", "divorcee", "domestic partnership", "engaged to be married",
    "legally separated", "married", "never married", "newlywed", "unmarried", "widow", "widowed", "widower",
];

/// Sexual orientations.
pub(crate) const SEXUALITIES: &[&str] = &[
    "asexual", "bisexual", "gay", "heterosexual", "homosexual", "lesbian", "pansexual", "queer",
    "straight man", "straight woman",
];

/// Signs of the zodiac, without those that are illnesses or names.
pub(crate) const ZODIAC_SIGNS: &[&str] = &[
    "aquarius", "aries", "capricorn", "gemini", "libra", "pisces", "sagittarius", "scorpio", "taurus",
    "virgo",
];

/// Parties and political positions.
pub(crate) const POLITICAL_AFFILIATIONS: &[&str] = &[
    "anarchist", "communist", "communist party", "conservative party", "democrat", "democratic party",
    "democrats", "gop", "green party", "independent voter", "labour party", "left-wing", "liberal democrats",
    "liberal party", "libertarian", "marxist", "registered republican", "republican party", "republicans",
    "right-wing", "social democrat", "socialist", "tories", "tory",
];
