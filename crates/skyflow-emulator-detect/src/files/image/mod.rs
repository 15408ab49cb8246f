//! Pictures: their words are read by a recognition from outside, and hidden in the picture.
//!
//! The picture is encoded again from its pixels: the metadata of cameras and programs is not carried over.

mod mask;

#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use self::mask::Area;
use super::{FileOptions, FileProblem, MaskingMethod, Ocr, OcrWord, ProcessedFile, rewriter::Rewriter};
use crate::rewrite::apply;

/// What the pixels of a picture may need.
const PIXELS_LIMIT: u64 = 256 << 20;
const SIDE_LIMIT: u32 = 30_000;

/// Returns the format that an extension names.
pub(super) fn format(extension: &str) -> Option<ImageFormat> {
    match extension {
        "png" => Some(ImageFormat::Png),
        "jpg" | "jpeg" => Some(ImageFormat::Jpeg),
        "bmp" => Some(ImageFormat::Bmp),
        "tif" | "tiff" => Some(ImageFormat::Tiff),
        _ => None,
    }
}

/// Processes a picture: the picture with its words hidden, and its processed text, as the options ask for them.
pub(super) fn process(
    extension: &str,
    format: ImageFormat,
    content: &[u8],
    options: &FileOptions,
    ocr: Option<&dyn Ocr>,
    rewriter: &mut Rewriter<'_>,
) -> Result<Vec<ProcessedFile>, FileProblem> {
    let Some(ocr) = ocr else {
        return Err(FileProblem::unsupported(
            "the embedded vault reads pictures with the program tesseract, which is not installed; install it, or \
             register a canned result for the file",
        ));
    };
    let mut picture = read(format, content)?;
    // The recognition sees the pixels that are written in the end, whatever the file says about turning them.
    let words = ocr
        .read(&write(&picture, ImageFormat::Png)?)
        .map_err(|error| FileProblem::unsupported(format!("the picture was not read: {error}")))?;
    let (text, places) = text_of(&words);
    let edits = rewriter.edits(&text, "")?;

    let mut outputs = Vec::new();
    if options.output_processed_image.unwrap_or(true) {
        let method = options.masking_method.unwrap_or(MaskingMethod::Blackbox);
        if options.hides_image {
            mask::hide(&mut picture, Area::ALL, MaskingMethod::Blackbox);
        }
        for (place, word) in places.iter().zip(&words) {
            if edits.iter().any(|edit| edit.range.start < place.end && place.start < edit.range.end) {
                mask::hide(&mut picture, Area::of(word), method);
            }
        }
        let content = write(&picture, format)?;
        outputs.push(ProcessedFile { content, kind: "redacted_image", extension: extension.to_owned() });
    }
    if options.output_ocr_text.unwrap_or(false) {
        let content = apply(&text, &edits).into_bytes();
        outputs.push(ProcessedFile { content, kind: "redacted_text", extension: "txt".to_owned() });
    }
    Ok(outputs)
}

/// Joins words to a text, line by line; returns the position of each word.
fn text_of(words: &[OcrWord]) -> (String, Vec<std::ops::Range<usize>>) {
    let mut text = String::new();
    let mut places = Vec::with_capacity(words.len());
    let mut line = None;
    for word in words {
        if let Some(line) = line {
            text.push(if line == word.line { ' ' } else { '\n' });
        }
        line = Some(word.line);
        places.push(text.len()..text.len() + word.text.len());
        text.push_str(&word.text);
    }
    (text, places)
}

fn read(format: ImageFormat, content: &[u8]) -> Result<DynamicImage, FileProblem> {
    let broken = |error: ImageError| match error {
        ImageError::Limits(_) => FileProblem::too_large(format!(
            "the picture has sides of more than {SIDE_LIMIT} pixels, or more than {} MiB of pixels",
            PIXELS_LIMIT >> 20
        )),
        _ => FileProblem::broken("the file is not a valid picture of its format"),
    };
    if format == ImageFormat::Tiff && has_more_pages(content) {
        return Err(FileProblem::unsupported(
            "the embedded vault does not process TIFF files of several pages; register a canned result for the file",
        ));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(PIXELS_LIMIT);
    limits.max_image_width = Some(SIDE_LIMIT);
    limits.max_image_height = Some(SIDE_LIMIT);
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    if decoder.total_bytes() > PIXELS_LIMIT {
        return Err(FileProblem::too_large(format!(
            "the picture has more than {} MiB of pixels",
            PIXELS_LIMIT >> 20
        )));
    }
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Tells whether a second page follows the first; what no picture can be, the decoder says later.
fn has_more_pages(content: &[u8]) -> bool {
    let is_big_endian = content.starts_with(b"MM");
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = content.get(at..at.checked_add(length)?)?;
        let add = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    };
    // The larger variety of the format writes its offsets in another way.
    let is_classic = number(2, 2) == Some(42);
    let next = || {
        let first = number(4, 4)?;
        let entries = number(first, 2)?;
        number(first.checked_add(2 + entries * 12)?, 4)
    };
    !is_classic || next().is_some_and(|next| next != 0)
}

fn write(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, FileProblem> {
    let is_plain = |color| matches!(color, ColorType::L8 | ColorType::Rgb8);
    let converted = match (format, picture.color()) {
        (ImageFormat::Png, _) => None,
        (_, color) if is_plain(color) => None,
        (ImageFormat::Jpeg, _) => Some(DynamicImage::from(picture.to_rgb8())),
        _ => Some(DynamicImage::from(picture.to_rgba8())),
    };
    let mut written = Cursor::new(Vec::new());
    converted
        .as_ref()
        .unwrap_or(picture)
        .write_to(&mut written, format)
        .map_err(|_| FileProblem::broken("the picture cannot be written in its format"))?;
    Ok(written.into_inner())
}
