use std::fmt;
use std::time::Duration;

use skyflow_api::Operation;
use skyflow_api::files::GetRun;

use super::options::{Options, option_setters};
use super::output::{Destination, destination_setters, file_stem};
use super::start::start;
use super::{Detect, DetectRun, RunPoller};
use crate::record::not_blank;
use crate::{Error, FileSource};

/// How what is found in an image is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaskingMethod {
    /// A black box.
    Blackbox,
    /// A blur.
    Blur,
}

impl MaskingMethod {
    /// Returns the name used on the wire, such as `blackbox`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blackbox => "blackbox",
            Self::Blur => "blur",
        }
    }
}

/// Which transcription of an audio file to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transcription {
    /// `transcription`
    Plain,
    /// `diarized_transcription`: it says who speaks.
    Diarized,
    /// `medical_transcription`
    Medical,
    /// `medical_diarized_transcription`
    MedicalDiarized,
    /// `plaintext_transcription`: the Python, Node and Go SDKs have it, the API description does not.
    Plaintext,
}

impl Transcription {
    /// Returns the name used on the wire, such as `diarized_transcription`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "transcription",
            Self::Diarized => "diarized_transcription",
            Self::Medical => "medical_transcription",
            Self::MedicalDiarized => "medical_diarized_transcription",
            Self::Plaintext => "plaintext_transcription",
        }
    }
}

/// The tone that covers what is found in an audio file; what is not set is the server's choice.
///
/// ```
/// use std::time::Duration;
/// use skyflow::Bleep;
///
/// let bleep = Bleep::new().gain(-6.0).frequency(1000).start_padding(Duration::from_millis(200));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bleep {
    pub(super) gain: Option<f64>,
    pub(super) frequency: Option<u32>,
    pub(super) start_padding: Option<Duration>,
    pub(super) stop_padding: Option<Duration>,
}

impl Bleep {
    const MAX_PADDING: Duration = Duration::from_secs(20);

    /// Sets nothing: the server chooses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how loud it is, in decibels; -60 or more.
    pub fn gain(mut self, decibels: f64) -> Self {
        self.gain = Some(decibels);
        self
    }

    /// Sets its pitch, in hertz; from 20 to 20,000.
    pub fn frequency(mut self, hertz: u32) -> Self {
        self.frequency = Some(hertz);
        self
    }

    /// Sets how long before the entity it starts; the wire has seconds with a fraction.
    pub fn start_padding(mut self, before: Duration) -> Self {
        self.start_padding = Some(before);
        self
    }

    /// Sets how long after the entity it stops; the wire has seconds with a fraction.
    pub fn stop_padding(mut self, after: Duration) -> Self {
        self.stop_padding = Some(after);
        self
    }
}

/// De-identifies a file.
///
/// The extension of the file's name, in uppercase or lowercase, says what it is: `txt`, `mp3`, `wav`, `pdf`, `jpg`,
/// `jpeg`, `png`, `bmp`, `tif`, `tiff`, `dcm`, `gif`, `ppt`, `pptx`, `csv`, `xls`, `xlsx`, `doc`, `docx`, `json`,
/// `jsonl`, `xml`; any other one goes to the endpoint for all formats. An option that is about files of another kind has no effect, so that one
/// request can be made for files of every kind.
///
/// ```
/// use std::time::Duration;
/// use skyflow::{DeidentifyFileRequest, DetectEntity, FileSource, TokenFormat, TokenKind};
///
/// let request = DeidentifyFileRequest::new(FileSource::path("letter.pdf"))
///     .entities([DetectEntity::SSN, DetectEntity::CREDIT_CARD])
///     .token_format(TokenFormat::of(TokenKind::EntityOnly))
///     .output_directory("processed")
///     .wait_time(Duration::from_secs(30));
/// ```
#[must_use = "a request does nothing until it is given to `Detect::deidentify_file`"]
pub struct DeidentifyFileRequest {
    pub(super) file: FileSource,
    pub(super) data_format: Option<String>,
    pub(super) skyflow_id: Option<String>,
    pub(super) options: Options,
    pub(super) masking_method: Option<MaskingMethod>,
    pub(super) output_processed_image: Option<bool>,
    pub(super) output_ocr_text: Option<bool>,
    pub(super) pixel_density: Option<u32>,
    pub(super) max_resolution: Option<u32>,
    pub(super) output_processed_audio: Option<bool>,
    pub(super) output_transcription: Option<Transcription>,
    pub(super) bleep: Bleep,
    pub(super) destination: Destination,
    wait_time: Duration,
}

impl DeidentifyFileRequest {
    /// The longest [`DeidentifyFileRequest::wait_time`], and the default.
    pub const MAX_WAIT_TIME: Duration = Duration::from_secs(64);

    /// Takes a file: a path, bytes, Base64 or a reader.
    pub fn new(file: FileSource) -> Self {
        Self {
            file,
            data_format: None,
            skyflow_id: None,
            options: Options::default(),
            masking_method: None,
            output_processed_image: None,
            output_ocr_text: None,
            pixel_density: None,
            max_resolution: None,
            output_processed_audio: None,
            output_transcription: None,
            bleep: Bleep::new(),
            destination: Destination::default(),
            wait_time: Self::MAX_WAIT_TIME,
        }
    }

    /// Says what the file is, such as `pdf`, whatever its name.
    pub fn data_format(mut self, format: impl Into<String>) -> Self {
        self.data_format = Some(format.into());
        self
    }

    /// Names the record that the file belongs to, beside its content. The embedded vault refuses it with 501.
    pub fn skyflow_id(mut self, id: impl Into<String>) -> Self {
        self.skyflow_id = Some(id.into());
        self
    }

    option_setters!();

    /// Images: says how what is found is covered.
    pub fn masking_method(mut self, method: MaskingMethod) -> Self {
        self.masking_method = Some(method);
        self
    }

    /// Images: returns the processed image.
    pub fn output_processed_image(mut self, yes: bool) -> Self {
        self.output_processed_image = Some(yes);
        self
    }

    /// Images: returns the recognized text.
    pub fn output_ocr_text(mut self, yes: bool) -> Self {
        self.output_ocr_text = Some(yes);
        self
    }

    /// PDFs: sets the density of the pages while they are processed, in pixels per inch; from 1 to 1000.
    pub fn pixel_density(mut self, density: u32) -> Self {
        self.pixel_density = Some(density);
        self
    }

    /// PDFs: sets the largest resolution of a page while it is processed; from 72 to 3000.
    pub fn max_resolution(mut self, resolution: u32) -> Self {
        self.max_resolution = Some(resolution);
        self
    }

    /// Audio: returns the processed audio.
    pub fn output_processed_audio(mut self, yes: bool) -> Self {
        self.output_processed_audio = Some(yes);
        self
    }

    /// Audio: returns a transcription.
    pub fn output_transcription(mut self, transcription: Transcription) -> Self {
        self.output_transcription = Some(transcription);
        self
    }

    /// Audio: sets the tone that covers what is found.
    pub fn bleep(mut self, bleep: Bleep) -> Self {
        self.bleep = bleep;
        self
    }

    destination_setters!();

    /// Sets how long to wait for the result: 64 s by default, which is also the maximum. Then the run continues at the
    /// server. With a time of zero the server is polled once.
    pub fn wait_time(mut self, wait: Duration) -> Self {
        self.wait_time = wait;
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        self.options.check()?;
        if let Some(id) = &self.skyflow_id {
            not_blank("skyflow_id", id)?;
        }
        if self.wait_time > Self::MAX_WAIT_TIME {
            return Err(Error::invalid("wait_time", "must not be more than 64 seconds"));
        }
        let positive = [
            ("pixel_density", self.pixel_density),
            ("max_resolution", self.max_resolution),
            ("bleep.frequency", self.bleep.frequency),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, number)| *number == Some(0)) {
            return Err(Error::invalid(*field, "must be 1 or more"));
        }
        self.check_bounds()
    }

    /// Checks the bounds of the published description.
    fn check_bounds(&self) -> Result<(), Error> {
        let outside = |number: Option<u32>, bounds: std::ops::RangeInclusive<u32>| {
            number.is_some_and(|number| !bounds.contains(&number))
        };
        let longer = |padding: Option<Duration>| padding.is_some_and(|padding| padding > Bleep::MAX_PADDING);
        if outside(self.pixel_density, 1..=1000) {
            Err(Error::invalid("pixel_density", "must not be more than 1000"))
        } else if outside(self.max_resolution, 72..=3000) {
            Err(Error::invalid("max_resolution", "must be from 72 to 3000"))
        } else if outside(self.bleep.frequency, 20..=20_000) {
            Err(Error::invalid("bleep.frequency", "must be from 20 to 20000"))
        } else if self.bleep.gain.is_some_and(|gain| !gain.is_finite() || gain < -60.0) {
            Err(Error::invalid("bleep.gain", "must be a number of -60 or more"))
        } else if longer(self.bleep.start_padding) {
            Err(Error::invalid("bleep.start_padding", "must not be more than 20 seconds"))
        } else if longer(self.bleep.stop_padding) {
            Err(Error::invalid("bleep.stop_padding", "must not be more than 20 seconds"))
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for DeidentifyFileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeidentifyFileRequest")
            .field("file", &self.file)
            .field("data_format", &self.data_format)
            .field("entities", &self.options.entities)
            .field("token_format", &self.options.token_format)
            .field("shift_dates", &self.options.shift_dates)
            .field("configuration_id", &self.options.configuration_id)
            .field("wait_time", &self.wait_time)
            .finish_non_exhaustive()
    }
}

impl Detect {
    /// De-identifies a file, and waits for the result up to [`DeidentifyFileRequest::wait_time`].
    ///
    /// A run that takes longer continues at the server: then the response has
    /// [`RunStatus::InProgress`](super::RunStatus) and the run id, with which [`Detect::run`] waits as long as you
    /// like, in another process too. A failed run is a response as well, with the server's message;
    /// [`DetectRun::into_success`] makes an error of it.
    ///
    /// The limits of a call hold for files too, 30 s for an attempt unless you say otherwise: on a slow line give large
    /// files more with [`Detect::with_options`]. A start that is cut off is not repeated, because it may be a run.
    ///
    /// ```no_run
    /// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
    /// use skyflow::{DeidentifyFileRequest, FileSource};
    ///
    /// let request = DeidentifyFileRequest::new(FileSource::path("letter.docx")).output_directory("processed");
    /// let run = detect.deidentify_file(request).await?.into_success()?;
    /// println!("{:?}", run.saved);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the file cannot be read, is empty or has no format, an option is out of its
    /// range, vault tokens are requested for another format than csv, json, jsonl, txt or xml, or the output directory cannot be written to; fails as every call does
    /// afterwards, and when the result cannot be written. Once the run was started, [`Error::run_id`] tells which it
    /// is.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; a run that was started continues at the server. Use
    /// [`Detect::start_deidentify_file`] to have its id before the waiting begins.
    pub async fn deidentify_file(&self, request: DeidentifyFileRequest) -> Result<DetectRun, Error> {
        let wait = request.wait_time;
        let poller = self.start_deidentify_file(request).await?;
        // The run was started, whatever becomes of the waiting.
        poller.within(wait).tolerate_failures(0).wait().await.map_err(Error::applied)
    }

    /// Starts to de-identify a file, and returns what waits for the result as long as you like.
    ///
    /// # Errors
    ///
    /// Fails as [`Detect::deidentify_file`] does until the run is started.
    pub async fn start_deidentify_file(&self, request: DeidentifyFileRequest) -> Result<RunPoller, Error> {
        let stem = file_stem(&request.file.name());
        let (run_id, directory) = start(self, request).await?;
        Ok(self.run(run_id)?.of_file(stem, directory))
    }

    /// Gets the state of a run once. A response may have 256 MiB, unless [`CallOptions`](crate::CallOptions) say
    /// otherwise.
    ///
    /// ```
    /// # async fn run(detect: skyflow::Detect, run_id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::RunStatus;
    ///
    /// let run = detect.get_detect_run(run_id).await?;
    /// if run.status == RunStatus::Success {
    ///     println!("{} bytes", run.file().map_or(0, |file| file.content.len()));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the id is blank; fails as every call does afterwards, and when the response
    /// has no status. A run that failed, or that the server calls `UNKNOWN`, is not an error: see
    /// [`DetectRun::status`].
    pub async fn get_detect_run(&self, run_id: impl Into<String>) -> Result<DetectRun, Error> {
        let run_id = run_id.into();
        not_blank("run_id", &run_id).map_err(|error| error.in_operation(GetRun::INFO.name))?;
        self.fetch_run(&run_id).await
    }
}
