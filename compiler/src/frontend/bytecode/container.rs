//! The container: header, sections, and the tables of names and offsets in them.
//!
//! Nothing of what the tables refer to is decoded here, but every reference into the file is
//! checked: ranges lie inside their sections, names are text, numbers are numbers of entries.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::reader::{Reader, checked_index, error_at};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Blob;

/// What bytecode files begin with.
pub(super) const MAGIC: [u8; 4] = [0x4D, 0x4C, 0xEF, 0x52];
/// The newest version of the container.
const NEWEST_FORMAT: u64 = 6;
const SECTION_NAMES: [&str; 9] = [
    "strings",
    "dialects",
    "attributes",
    "attribute offsets",
    "operations",
    "resources",
    "resource offsets",
    "dialect version",
    "properties",
];
const STRINGS: usize = 0;
const DIALECTS: usize = 1;
const ATTRIBUTES: usize = 2;
const ATTRIBUTE_OFFSETS: usize = 3;
const OPERATIONS: usize = 4;
const RESOURCES: usize = 5;
const RESOURCE_OFFSETS: usize = 6;
const PROPERTIES: usize = 8;

/// A version of the portable StableHLO format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32, pub(super) u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The name of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpName<'a> {
    pub(super) dialect: &'a str,
    pub(super) name: &'a str,
    /// Whether its properties are in the properties section.
    pub(super) has_native_properties: bool,
}

/// An attribute or a type that is not decoded yet.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) dialect: &'a str,
    pub(super) range: Range<usize>,
    /// False for text in MLIR's notation.
    pub(super) is_binary: bool,
}

/// A file with its tables.
pub(super) struct Container<'a> {
    pub(super) file: &'a Arc<[u8]>,
    /// The version of the container.
    pub(super) format: u64,
    /// The version of the portable format that the producer states.
    pub(super) version: Version,
    pub(super) op_names: Vec<OpName<'a>>,
    pub(super) attributes: Vec<Entry<'a>>,
    pub(super) types: Vec<Entry<'a>>,
    pub(super) properties: Vec<Range<usize>>,
    pub(super) operations: Range<usize>,
    /// Keys and data of the resources, in the order of their handles.
    pub(super) resources: Vec<(&'a str, Option<Blob>)>,
    strings: Vec<Text<'a>>,
}

/// A string of the file, which may be no text.
#[derive(Clone, Copy)]
struct Text<'a>(Option<&'a str>);

impl<'a> Container<'a> {
    /// Reads the tables of a file.
    pub(super) fn read(file: &'a Arc<[u8]>) -> SourceResult<Self> {
        let mut reader = Reader::new(file, 0..file.len());
        if reader.bytes(4).ok() != Some(&MAGIC) {
            return Err(error_at(
                0,
                "this is no MLIR bytecode: it does not begin with 4D 4C EF 52",
            ));
        }
        let format = reader.varint()?;
        if format > NEWEST_FORMAT {
            let message = format!(
                "version {format} of MLIR bytecode is not supported; known are 0 to \
                 {NEWEST_FORMAT}"
            );
            return Err(error_at(4, message));
        }
        let version = read_producer(&mut reader)?;
        let sections = Sections::read(&mut reader)?;
        let strings = read_strings(sections.required(STRINGS)?)?;
        let mut container = Self {
            file,
            format,
            version,
            op_names: Vec::new(),
            attributes: Vec::new(),
            types: Vec::new(),
            properties: Vec::new(),
            operations: sections.range(OPERATIONS)?,
            resources: Vec::new(),
            strings,
        };
        let dialects = container.read_dialects(sections.required(DIALECTS)?)?;
        let offsets = sections.required(ATTRIBUTE_OFFSETS)?;
        container.read_offsets(offsets, sections.range(ATTRIBUTES)?, &dialects)?;
        if let (Some(data), Some(offsets)) =
            (sections.optional(RESOURCES), sections.optional(RESOURCE_OFFSETS))
        {
            container.read_resources(data, offsets, &dialects)?;
        }
        if format >= 5 {
            let mut reader = sections.required(PROPERTIES)?;
            container.properties = reader.list("properties", Reader::blob)?;
            reader.finish("the properties")?;
        }
        Ok(container)
    }

    /// The string that a reference refers to.
    pub(super) fn string(&self, reader: &mut Reader<'a>) -> SourceResult<&'a str> {
        let at = reader.offset();
        let index = reader.index("string", self.strings.len())?;
        self.string_at(index, at)
    }

    fn string_at(&self, index: usize, at: usize) -> SourceResult<&'a str> {
        self.strings[index].0.ok_or_else(|| error_at(at, format!("string {index} is no UTF-8")))
    }

    /// The names of the dialects; the names of the operations go to the container.
    fn read_dialects(&mut self, mut reader: Reader<'a>) -> SourceResult<Vec<&'a str>> {
        let format = self.format;
        let dialects = reader.list("dialects", |reader| {
            let at = reader.offset();
            let (index, has_version) =
                if format == 0 { (reader.varint()?, false) } else { reader.flagged()? };
            let index = checked_index(index, "string", self.strings.len(), at)?;
            if has_version {
                Sections::read_one(reader)?;
            }
            self.string_at(index, at)
        })?;
        if format >= 4 {
            reader.count("operation names")?;
        }
        while !reader.is_empty() {
            let dialect = dialects[reader.index("dialect", dialects.len())?];
            let names = reader.list("operation names", |reader| {
                let at = reader.offset();
                let (index, has_native_properties) =
                    if format < 5 { (reader.varint()?, false) } else { reader.flagged()? };
                let index = checked_index(index, "string", self.strings.len(), at)?;
                let name = self.string_at(index, at)?;
                Ok(OpName { dialect, name, has_native_properties })
            })?;
            self.op_names.extend(names);
        }
        Ok(dialects)
    }

    /// Where the attributes and types are.
    fn read_offsets(
        &mut self,
        mut reader: Reader<'a>,
        data: Range<usize>,
        dialects: &[&'a str],
    ) -> SourceResult<()> {
        let n_attributes = reader.count("attributes")?;
        let n_types = reader.count("types")?;
        let mut entries = Vec::new();
        let mut data = Reader::new(self.file, data);
        while entries.len() < n_attributes + n_types {
            let dialect = dialects[reader.index("dialect", dialects.len())?];
            let at = reader.offset();
            let group = reader.list("entries", |reader| {
                let (size, is_binary) = reader.flagged()?;
                let size = data.check_count(size, "bytes", reader.offset())?;
                Ok(Entry { dialect, range: data.skip(size)?, is_binary })
            })?;
            let missing_attributes = n_attributes.saturating_sub(entries.len());
            entries.extend(group);
            // Attributes and types have groups of their own.
            let crosses = missing_attributes > 0 && entries.len() > n_attributes;
            if crosses || entries.len() > n_attributes + n_types {
                return Err(error_at(at, "more attributes or types than the file has"));
            }
        }
        reader.finish("the attribute offsets")?;
        self.types = entries.split_off(n_attributes);
        self.attributes = entries;
        Ok(())
    }

    /// The data of the resources.
    fn read_resources(
        &mut self,
        mut data: Reader<'a>,
        mut offsets: Reader<'a>,
        dialects: &[&'a str],
    ) -> SourceResult<()> {
        // Groups of other tools, then groups of dialects; only the latter have handles.
        for _ in 0..offsets.count("resource groups")? {
            self.string(&mut offsets)?;
            self.read_resource_group(&mut data, &mut offsets)?;
        }
        while !offsets.is_empty() {
            offsets.index("dialect", dialects.len())?;
            let group = self.read_resource_group(&mut data, &mut offsets)?;
            self.resources.extend(group);
        }
        Ok(())
    }

    fn read_resource_group(
        &self,
        data: &mut Reader<'a>,
        offsets: &mut Reader<'a>,
    ) -> SourceResult<Vec<(&'a str, Option<Blob>)>> {
        offsets.list("resources", |offsets| {
            let key = self.string(offsets)?;
            let size = offsets.varint()?;
            let size = data.check_count(size, "bytes", offsets.offset())?;
            let kind = offsets.byte()?;
            let range = data.skip(size)?;
            if kind != 0 || size == 0 {
                return Ok((key, None));
            }
            let mut blob = data.part(range);
            let alignment = blob.varint()?;
            let size = blob.varint()?;
            blob.align(alignment)?;
            let size = blob.check_count(size, "bytes", blob.offset())?;
            let range = blob.skip(size)?;
            Ok((key, Some(Blob::part(self.file, range))))
        })
    }
}

/// `StableHLO_v1.15.0` and a zero byte.
fn read_producer(reader: &mut Reader<'_>) -> SourceResult<Version> {
    let at = reader.offset();
    let mut producer = Vec::new();
    loop {
        match reader.byte()? {
            0 => break,
            byte => producer.push(byte),
        }
    }
    let producer = String::from_utf8_lossy(&producer);
    parse_version(&producer).ok_or_else(|| {
        let producer: String = producer.chars().take(80).collect();
        let message = format!(
            "this bytecode was written by {producer:?}; supported are portable artifacts, which \
             name a version such as \"StableHLO_v1.15.0\""
        );
        error_at(at, message)
    })
}

fn parse_version(producer: &str) -> Option<Version> {
    let mut numbers =
        producer.strip_prefix("StableHLO_v")?.split('.').map(|each| each.parse().ok());
    let version = Version(numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(version)
}

/// The sections of a file by their numbers.
struct Sections<'a> {
    found: BTreeMap<usize, Reader<'a>>,
    end: usize,
}

impl<'a> Sections<'a> {
    fn read(reader: &mut Reader<'a>) -> SourceResult<Self> {
        let mut found = BTreeMap::new();
        while !reader.is_empty() {
            let at = reader.offset();
            let (id, section) = Self::read_one(reader)?;
            if found.insert(id, section).is_some() {
                let message = format!("a second section of {}", SECTION_NAMES[id]);
                return Err(error_at(at, message));
            }
        }
        Ok(Self { found, end: reader.offset() })
    }

    /// One section and its number.
    fn read_one(reader: &mut Reader<'a>) -> SourceResult<(usize, Reader<'a>)> {
        let at = reader.offset();
        let tag = reader.byte()?;
        let id = usize::from(tag & 0x7f);
        if id >= SECTION_NAMES.len() {
            return Err(error_at(at, format!("unknown section {id}")));
        }
        let length = reader.varint()?;
        if tag & 0x80 != 0 {
            let alignment = reader.varint()?;
            reader.align(alignment)?;
        }
        let length = reader.check_count(length, "bytes", at)?;
        let range = reader.skip(length)?;
        Ok((id, reader.part(range)))
    }

    fn optional(&self, id: usize) -> Option<Reader<'a>> {
        self.found.get(&id).cloned()
    }

    fn required(&self, id: usize) -> SourceResult<Reader<'a>> {
        self.optional(id).ok_or_else(|| {
            error_at(self.end, format!("the file has no section of {}", SECTION_NAMES[id]))
        })
    }

    fn range(&self, id: usize) -> SourceResult<Range<usize>> {
        let reader = self.required(id)?;
        Ok(reader.offset()..reader.offset() + reader.remaining())
    }
}

/// A section nested in the operations.
pub(super) fn nested_operations<'a>(reader: &mut Reader<'a>) -> SourceResult<Reader<'a>> {
    let at = reader.offset();
    let (id, section) = Sections::read_one(reader)?;
    if id == OPERATIONS {
        return Ok(section);
    }
    let message = format!("found a section of {}, expected operations", SECTION_NAMES[id]);
    Err(error_at(at, message))
}

/// The strings, whose lengths come first, those of the last string before the others.
fn read_strings(mut reader: Reader<'_>) -> SourceResult<Vec<Text<'_>>> {
    let lengths = reader.list("strings", |reader| Ok((reader.offset(), reader.varint()?)))?;
    let mut strings = Vec::with_capacity(lengths.len());
    for &(at, length) in lengths.iter().rev() {
        let length = reader.check_count(length, "bytes", at)?;
        match reader.bytes(length)? {
            [text @ .., 0] => strings.push(Text(str::from_utf8(text).ok())),
            _ => return Err(error_at(at, "a string has to end in a zero byte")),
        }
    }
    reader.finish("the strings")?;
    Ok(strings)
}
