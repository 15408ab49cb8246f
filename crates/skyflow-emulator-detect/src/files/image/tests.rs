use std::io::Cursor;

use image::{DynamicImage, GenericImageView, ImageFormat, Rgb, RgbImage, Rgba};

use crate::files::planted::{NAME, ReplacePlanted};
use crate::files::{
    FileOptions, FileProblem, MaskingMethod, Ocr, OcrError, OcrWord, ProcessedRun, Tesseract, process,
};

const FORMATS: [(&str, ImageFormat); 4] = [
    ("png", ImageFormat::Png),
    ("jpg", ImageFormat::Jpeg),
    ("bmp", ImageFormat::Bmp),
    ("tiff", ImageFormat::Tiff),
];

/// Reads the same words from every picture.
#[derive(Debug)]
struct Words;

impl Ocr for Words {
    fn read(&self, png: &[u8]) -> Result<Vec<OcrWord>, OcrError> {
        image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
        let (first, last) = NAME.split_once(' ').unwrap();
        Ok(vec![
            OcrWord::new("To", 0, [5, 10, 20, 10]),
            OcrWord::new(first, 0, [30, 10, 30, 10]),
            OcrWord::new(format!("{last},"), 1, [5, 30, 60, 10]),
            OcrWord::new("hi", 1, [70, 30, 500, 10]),
        ])
    }
}

/// A picture with stripes, of which no part has one colour.
fn picture(format: ImageFormat) -> Vec<u8> {
    let stripes =
        RgbImage::from_fn(100, 50, |x, _| Rgb(if x % 2 == 0 { [250, 250, 250] } else { [10, 10, 10] }));
    let mut written = Cursor::new(Vec::new());
    DynamicImage::from(stripes).write_to(&mut written, format).unwrap();
    written.into_inner()
}

fn run(format: &str, content: &[u8], options: &FileOptions) -> Result<ProcessedRun, FileProblem> {
    process(format, content, options, Some(&Words), &mut ReplacePlanted::default())
}

fn pixel(content: &[u8], x: u32, y: u32) -> Rgba<u8> {
    image::load_from_memory(content).unwrap().get_pixel(x, y)
}

#[test]
fn black_boxes_cover_words_in_every_format() {
    for (extension, format) in FORMATS {
        let run = run(extension, &picture(format), &FileOptions::default()).unwrap();
        let [output] = run.outputs.as_slice() else { panic!("{extension}") };
        assert_eq!((output.kind, output.extension.as_str()), ("redacted_image", extension));
        assert_eq!(image::guess_format(&output.content).unwrap(), format);
        for (x, y) in [(31, 11), (59, 19), (6, 31), (64, 39)] {
            let Rgba([red, ..]) = pixel(&output.content, x, y);
            assert!(red < 8, "{extension} {x} {y}: {red}");
        }
        // Pixels without an edit are kept.
        for (x, y) in [(8, 14), (80, 34)] {
            let Rgba([red, ..]) = pixel(&output.content, x, y);
            assert!(red > 200, "{extension} {x} {y}: {red}");
        }
        assert_eq!(run.input.words, 4);
    }
}

#[test]
fn blurred_words_have_one_colour_per_square() {
    let options = FileOptions { masking_method: Some(MaskingMethod::Blur), ..FileOptions::default() };
    let run = run("png", &picture(ImageFormat::Png), &options).unwrap();
    let content = &run.outputs[0].content;
    let square = pixel(content, 30, 12);
    assert!((30..40).all(|x| (10..20).all(|y| pixel(content, x, y) == square)));
    assert!(square[0] > 100 && square[0] < 160);
}

#[test]
fn the_text_is_an_output_when_it_is_asked_for() {
    let mut options = FileOptions { output_ocr_text: Some(true), ..FileOptions::default() };
    let outputs = run("png", &picture(ImageFormat::Png), &options).unwrap().outputs;
    assert_eq!((outputs.len(), outputs[1].kind), (2, "redacted_text"));
    assert_eq!(outputs[1].content, b"To [NAME_1], hi");
    options.output_processed_image = Some(false);
    let outputs = run("png", &picture(ImageFormat::Png), &options).unwrap().outputs;
    assert_eq!((outputs.len(), outputs[0].kind), (1, "redacted_text"));
}

#[test]
fn what_is_noted_beside_the_pixels_is_gone() {
    let mut content = picture(ImageFormat::Png);
    let text = [b"tEXtAuthor\0", NAME.as_bytes()].concat();
    let mut chunk = u32::try_from(text.len() - 4).unwrap().to_be_bytes().to_vec();
    chunk.extend(&text);
    let mut sum = flate2::Crc::new();
    sum.update(&text);
    chunk.extend(sum.sum().to_be_bytes());
    content.splice(33..33, chunk);
    assert!(content.windows(NAME.len()).any(|window| window == NAME.as_bytes()));
    let output = &run("png", &content, &FileOptions::default()).unwrap().outputs[0].content;
    assert!(!output.windows(NAME.len()).any(|window| window == NAME.as_bytes()));
}

#[test]
fn broken_and_multi_page_images_are_refused() {
    for (extension, format) in FORMATS {
        let content = picture(format);
        for end in (0..content.len()).step_by(97) {
            let _ = run(extension, &content[..end], &FileOptions::default());
        }
        assert!(run(extension, b"no picture", &FileOptions::default()).is_err());
    }
    let mut pages = b"II*\0\x08\0\0\0\0\0\x08\0\0\0".to_vec();
    assert!(matches!(run("tif", &pages, &FileOptions::default()), Err(FileProblem::Unsupported(_))));
    pages.truncate(6);
    assert!(matches!(run("tif", &pages, &FileOptions::default()), Err(FileProblem::Broken(_))));
    // A header that claims more pixels than memory.
    let mut huge = picture(ImageFormat::Bmp);
    huge[18..26].copy_from_slice(&[0x20, 0x4e, 0, 0, 0x20, 0x4e, 0, 0]);
    assert!(run("bmp", &huge, &FileOptions::default()).is_err());
}

#[test]
fn pictures_need_a_recognition() {
    let Err(FileProblem::Unsupported(message)) = process(
        "png",
        &picture(ImageFormat::Png),
        &FileOptions::default(),
        None,
        &mut ReplacePlanted::default(),
    ) else {
        panic!("the picture is processed")
    };
    assert!(message.contains("tesseract, which is not installed"), "{message}");
}

#[test]
fn tesseract_reads_an_image_if_installed() {
    let content = include_bytes!("letter.png");
    let tesseract = Tesseract::find();
    let ocr = tesseract.as_ref().map(|tesseract| tesseract as &dyn Ocr);
    let options = FileOptions { output_ocr_text: Some(true), ..FileOptions::default() };
    let result = process("png", content, &options, ocr, &mut ReplacePlanted::default());
    if tesseract.is_none() {
        assert!(matches!(result, Err(FileProblem::Unsupported(_))));
        return;
    }
    let outputs = result.unwrap().outputs;
    let text = String::from_utf8(outputs[1].content.clone()).unwrap();
    assert!(text.contains("[NAME_1]") && !text.contains(NAME), "{text}");
    let again = ocr.unwrap().read(&outputs[0].content).unwrap();
    assert!(again.iter().all(|word| !NAME.contains(&word.text) || word.text.len() < 4));
    assert!(again.iter().any(|word| word.text.contains("order")));
}

#[test]
fn picture_with_huge_sides_is_too_large() {
    // The header claims what the few bytes of the file do not hold.
    let mut bitmap = picture(ImageFormat::Bmp);
    bitmap[18..22].copy_from_slice(&40_000_u32.to_le_bytes());
    bitmap[22..26].copy_from_slice(&40_000_u32.to_le_bytes());
    let problem = run("bmp", &bitmap, &FileOptions::default()).err();
    assert!(matches!(problem, Some(FileProblem::TooLarge(_))), "{problem:?}");
}
