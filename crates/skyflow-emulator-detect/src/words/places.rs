//! Countries, states and cities.

/// Countries, and parts of the United Kingdom.
pub(crate) const COUNTRIES: &[&str] = &[
    "afghanistan", "albania", "algeria", "andorra", "angola", "antigua and barbuda", "argentina", "armenia",
    "australia", "austria", "azerbaijan", "bahamas", "bahrain", "bangladesh", "barbados", "belarus",
    "belgium", "belize", "benin", "bhutan", "bolivia", "bosnia and herzegovina", "botswana", "brazil",
    "brunei", "bulgaria", "burkina faso", "burundi", "cambodia", "cameroon", "canada", "cape verde",
    "central african republic", "chile", "china", "colombia", "comoros", "congo", "costa rica", "croatia",
    "cuba", "cyprus", "czech republic", "czechia", "denmark", "djibouti", "dominica", "dominican republic",
    "ecuador", "egypt", "el salvador", "england", "equatorial guinea", "eritrea", "estonia", "eswatini",
    "ethiopia", "fiji", "finland", "france", "gabon", "gambia", "germany", "ghana", "great britain", "greece",
    "greenland", "grenada", "guatemala", "guinea", "guinea-bissau", "guyana", "haiti", "honduras",
    "hong kong", "hungary", "iceland", "india", "indonesia", "iran", "iraq", "ireland", "israel", "italy",
    "ivory coast", "jamaica", "japan", "kazakhstan", "kenya", "kiribati", "kosovo", "kuwait", "kyrgyzstan",
    "laos", "latvia", "lebanon", "lesotho", "liberia", "libya", "liechtenstein", "lithuania", "luxembourg",
    "macau", "madagascar", "malawi", "malaysia", "maldives", "mali", "malta", "marshall islands",
    "mauritania", "mauritius", "mexico", "micronesia", "moldova", "monaco", "mongolia", "montenegro",
    "morocco", "mozambique", "myanmar", "namibia", "nauru", "nepal", "netherlands", "new zealand",
    "nicaragua", "niger", "nigeria", "north korea", "north macedonia", "northern ireland", "norway", "oman",
    "pakistan", "palau", "palestine", "panama", "papua new guinea", "paraguay", "peru", "philippines",
    "poland", "portugal", "puerto rico", "qatar", "romania", "russia", "rwanda", "saint lucia", "samoa",
    "san marino", "saudi arabia", "scotland", "senegal", "serbia", "seychelles", "sierra leone", "singapore",
    "slovakia", "slovenia", "solomon islands", "somalia", "south africa", "south korea", "south sudan",
    "spain", "sri lanka", "sudan", "suriname", "sweden", "switzerland", "syria", "taiwan", "tajikistan",
    "tanzania", "thailand", "togo", "tonga", "trinidad and tobago", "tunisia", "turkmenistan", "tuvalu",
    "uganda", "ukraine", "united arab emirates", "united kingdom", "united states",
    "united states of america", "uruguay", "uzbekistan", "vanuatu", "vatican city", "venezuela", "vietnam",
    "wales", "yemen", "zambia", "zimbabwe",
];

/// States of the United States, and of some other countries.
pub(crate) const STATES: &[&str] = &[
    "alabama", "alaska", "alberta", "arizona", "arkansas", "bavaria", "british columbia", "california",
    "colorado", "connecticut", "delaware", "district of columbia", "florida", "georgia", "hawaii", "idaho",
    "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine", "manitoba", "maryland",
    "massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska", "nevada",
    "new hampshire", "new jersey", "new mexico", "new south wales", "north carolina", "north dakota",
    "nova scotia", "ohio", "oklahoma", "ontario", "oregon", "pennsylvania", "quebec", "queensland",
    "rhode island", "saskatchewan", "south carolina", "south dakota", "tasmania", "tennessee", "texas",
    "utah", "vermont", "virginia", "west virginia", "wisconsin", "wyoming",
];

/// The letters that states of the United States have in addresses.
pub(crate) const STATE_CODES: &[&str] = &[
    "AK", "AL", "AR", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "HI", "IA", "ID", "IL", "IN", "KS",
    "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MS", "MT", "NC", "ND", "NE", "NH", "NJ", "NM", "NV",
    "NY", "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VA", "VT", "WA", "WI", "WV",
    "WY",
];

/// Large cities.
pub(crate) const CITIES: &[&str] = &[
    "abu dhabi", "albuquerque", "amsterdam", "ankara", "athens", "atlanta", "auckland", "austin", "baltimore",
    "bangalore", "bangkok", "barcelona", "beijing", "berlin", "birmingham", "bogota", "bogotá", "boston",
    "brisbane", "brussels", "bucharest", "budapest", "buenos aires", "busan", "cairo", "calgary", "cape town",
    "caracas", "charlotte", "chennai", "chicago", "cincinnati", "cleveland", "cologne", "columbus",
    "copenhagen", "dallas", "delhi", "denver", "detroit", "dhaka", "dubai", "dublin", "edinburgh", "el paso",
    "fort worth", "frankfurt", "fresno", "geneva", "glasgow", "guadalajara", "guangzhou", "hamburg", "hanoi",
    "helsinki", "ho chi minh city", "honolulu", "houston", "hyderabad", "indianapolis", "istanbul",
    "jacksonville", "jakarta", "johannesburg", "kansas city", "karachi", "kolkata", "kuala lumpur", "kyiv",
    "kyoto", "köln", "lagos", "las vegas", "leeds", "lima", "lisbon", "liverpool", "london", "los angeles",
    "louisville", "lyon", "madrid", "manchester", "manila", "marseille", "melbourne", "memphis",
    "mexico city", "miami", "milan", "milwaukee", "minneapolis", "montreal", "montréal", "moscow", "mumbai",
    "munich", "münchen", "nairobi", "naples", "nashville", "new delhi", "new orleans", "new york",
    "new york city", "newark", "oakland", "oklahoma city", "omaha", "orlando", "osaka", "oslo", "ottawa",
    "palo alto", "paris", "perth", "philadelphia", "phoenix", "pittsburgh", "portland", "porto", "prague",
    "rio de janeiro", "riyadh", "rome", "rotterdam", "sacramento", "salt lake city", "san antonio",
    "san diego", "san francisco", "san jose", "santiago", "seattle", "seoul", "shanghai", "shenzhen",
    "springfield", "st. louis", "stockholm", "stuttgart", "sydney", "são paulo", "tampa", "tehran",
    "tel aviv", "tokyo", "toronto", "tucson", "tulsa", "turin", "valencia", "vancouver", "vienna", "warsaw",
    "zurich", "zürich",
];
