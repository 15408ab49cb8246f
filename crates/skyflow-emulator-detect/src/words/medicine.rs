//! Illnesses and what is done about them.

/// Drugs, by their substance or by a brand.
pub(crate) const DRUGS: &[&str] = &[
    "acetaminophen", "adderall", "albuterol", "allopurinol", "alprazolam", "amitriptyline", "amlodipine",
    "amoxicillin", "aspirin", "atenolol", "atorvastatin", "azithromycin", "bupropion", "carvedilol",
    "cephalexin", "cetirizine", "ciprofloxacin", "citalopram", "clonazepam", "clopidogrel", "codeine",
    "cyclobenzaprine", "diazepam", "diclofenac", "doxycycline", "duloxetine", "escitalopram", "fentanyl",
    "fluoxetine", "furosemide", "gabapentin", "glipizide", "hydrochlorothiazide", "hydrocodone", "ibuprofen",
    "insulin", "lamotrigine", "levothyroxine", "lipitor", "lisinopril", "loratadine", "lorazepam", "losartan",
    "metformin", "methadone", "methotrexate", "metoprolol", "metronidazole", "montelukast", "morphine",
    "naproxen", "omeprazole", "ondansetron", "oxycodone", "pantoprazole", "paracetamol", "paroxetine",
    "penicillin", "prednisone", "pregabalin", "prozac", "quetiapine", "ramipril", "ranitidine",
    "rosuvastatin", "sertraline", "sildenafil", "simvastatin", "tamoxifen", "tramadol", "trazodone",
    "tylenol", "valium", "venlafaxine", "viagra", "warfarin", "xanax", "zoloft", "zolpidem",
];

/// Illnesses and other medical conditions.
pub(crate) const CONDITIONS: &[&str] = &[
    "acne", "adhd", "aids", "alzheimer's", "alzheimer's disease", "anemia", "angina", "anorexia",
    "anxiety disorder", "appendicitis", "arrhythmia", "arthritis", "asthma", "atrial fibrillation", "autism",
    "bipolar disorder", "breast cancer", "bronchitis", "cancer", "cataracts", "chickenpox",
    "chronic kidney disease", "chronic pain", "cirrhosis", "congestive heart failure", "copd",
    "coronary artery disease", "covid-19", "crohn's disease", "cystic fibrosis", "dementia", "depression",
    "dermatitis", "diabetes", "diabetes mellitus", "diarrhea", "eczema", "emphysema", "endometriosis",
    "epilepsy", "fibromyalgia", "gastritis", "glaucoma", "gout", "heart attack", "heart disease",
    "heart failure", "hepatitis", "hepatitis b", "hepatitis c", "high blood pressure", "hiv",
    "hypercholesterolemia", "hyperlipidemia", "hypertension", "hyperthyroidism", "hypothyroidism",
    "influenza", "insomnia", "irritable bowel syndrome", "kidney failure", "kidney stones", "leukemia",
    "lung cancer", "lupus", "lyme disease", "lymphoma", "malaria", "measles", "melanoma", "meningitis",
    "migraine", "migraines", "multiple sclerosis", "obesity", "osteoarthritis", "osteoporosis",
    "pancreatitis", "parkinson's", "parkinson's disease", "pneumonia", "prostate cancer", "psoriasis", "ptsd",
    "rheumatoid arthritis", "schizophrenia", "sciatica", "scoliosis", "sepsis", "shingles",
    "sickle cell disease", "sinusitis", "sleep apnea", "stroke", "tinnitus", "tonsillitis", "tuberculosis",
    "type 1 diabetes", "type 2 diabetes", "ulcerative colitis", "urinary tract infection", "vertigo",
];

/// Injuries.
pub(crate) const INJURIES: &[&str] = &[
    "broken ankle", "broken arm", "broken leg", "broken nose", "broken rib", "broken wrist", "bruise",
    "bruises", "burn injury", "concussion", "contusion", "dislocated shoulder", "fracture", "fractured hip",
    "fractured skull", "frostbite", "gunshot wound", "hamstring strain", "head injury", "herniated disc",
    "laceration", "lacerations", "ligament tear", "rotator cuff tear", "second-degree burns",
    "spinal cord injury", "sprain", "sprained ankle", "sprained wrist", "stab wound", "third-degree burns",
    "torn acl", "torn ligament", "torn meniscus", "traumatic brain injury", "whiplash",
];

/// Examinations and treatments.
pub(crate) const PROCESSES: &[&str] = &[
    "angioplasty", "appendectomy", "biopsy", "blood test", "blood transfusion", "bone marrow transplant",
    "bypass surgery", "cataract surgery", "chemotherapy", "colonoscopy", "colposcopy", "ct scan", "dialysis",
    "echocardiogram", "electrocardiogram", "endoscopy", "gastric bypass", "heart surgery", "hip replacement",
    "hysterectomy", "immunotherapy", "kidney transplant", "knee replacement", "laparoscopy", "lasik",
    "liposuction", "mammogram", "mastectomy", "mri", "mri scan", "open-heart surgery", "pap smear",
    "physical therapy", "radiation therapy", "radiotherapy", "root canal", "tonsillectomy", "ultrasound",
    "vaccination", "vasectomy", "x-ray",
];
