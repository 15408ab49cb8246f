use image::{DynamicImage, GenericImage, GenericImageView, Rgba};

use crate::files::{MaskingMethod, OcrWord};

/// A part of a picture, in pixels; it may reach beyond.
#[derive(Clone, Copy)]
pub(super) struct Area {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Area {
    /// The whole picture.
    pub(super) const ALL: Self = Self { left: 0, top: 0, right: u32::MAX, bottom: u32::MAX };

    /// Returns the box of a word with a margin: recognitions cut off the edges of letters.
    pub(super) fn of(word: &OcrWord) -> Self {
        let margin = word.height / 10 + 1;
        Self {
            left: word.left.saturating_sub(margin),
            top: word.top.saturating_sub(margin),
            right: word.left.saturating_add(word.width).saturating_add(margin),
            bottom: word.top.saturating_add(word.height).saturating_add(margin),
        }
    }
}

/// Hides what a picture shows in an area.
pub(super) fn hide(picture: &mut DynamicImage, area: Area, method: MaskingMethod) {
    let (right, bottom) = (area.right.min(picture.width()), area.bottom.min(picture.height()));
    let side = match method {
        MaskingMethod::Blackbox => u32::MAX,
        // Squares as high as the word: smaller ones let letters be told by trying.
        MaskingMethod::Blur => area.bottom.saturating_sub(area.top).max(1),
    };
    let mut left = area.left;
    while left < right {
        let end = left.saturating_add(side).min(right);
        let color = match method {
            MaskingMethod::Blackbox => Rgba([0, 0, 0, u8::MAX]),
            MaskingMethod::Blur => mean(picture, left..end, area.top..bottom),
        };
        for y in area.top..bottom {
            for x in left..end {
                picture.put_pixel(x, y, color);
            }
        }
        left = end;
    }
}

fn mean(picture: &DynamicImage, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> Rgba<u8> {
    let mut sums = [0_u64; 4];
    let mut count = 0_u64;
    for y in rows {
        for x in columns.clone() {
            let Rgba(channels) = picture.get_pixel(x, y);
            for (sum, channel) in sums.iter_mut().zip(channels) {
                *sum += u64::from(channel);
            }
            count += 1;
        }
    }
    Rgba(sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)))
}
