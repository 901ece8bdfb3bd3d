//! Operations and regions -> the tree.
//!
//! Casts between the types of the portable format and those of sdy operations come to nothing,
//! since in the tree both are the same types.

use std::rc::Rc;

use super::container::{Container, nested_operations};
use super::decoder::{Decoded, Decoder};
use super::dialects::{Form, Stored, dictionary};
use super::reader::{Reader, error_at};
use super::table;
use super::values::{Reserved, Value, Values};
use crate::frontend::source::{SourceResult, Span};
use crate::frontend::syntax::{
    Block, BlockArgument, LocationId, Locations, NamedAttribute, Operand, Operation, Region, Type,
};

/// How deep operations may be nested.
const DEPTH_LIMIT: usize = 128;
const MODULE: &str = "builtin.module";
const CAST: &str = "builtin.unrealized_conversion_cast";

// What an operation has, as bits of its mask.
const ATTRIBUTES: u8 = 0x01;
const RESULTS: u8 = 0x02;
const OPERANDS: u8 = 0x04;
const SUCCESSORS: u8 = 0x08;
const REGIONS: u8 = 0x10;
const USE_LISTS: u8 = 0x20;
const PROPERTIES: u8 = 0x40;

/// The module of a file, and the locations that it mentions.
pub(super) fn read_module(container: &Container<'_>) -> SourceResult<(Operation, Locations)> {
    let mut reader = Reader::new(container.file, container.operations.clone());
    let decoder = Decoder::new(container);
    let mut operations =
        OperationReader { container, decoder, values: Values::default(), depth: 0 };
    let at = reader.offset();
    if reader.flagged()? != (1, false) {
        return Err(error_at(at, "a file has one operation, a module"));
    }
    let module = operations.operation(&mut reader, "")?;
    reader.finish("the operations")?;
    match module {
        Some(module) if module.name == MODULE => {
            Ok((module, operations.decoder.locations.locations))
        }
        Some(_) | None => Err(error_at(at, "the outermost operation has to be a module")),
    }
}

struct OperationReader<'a> {
    container: &'a Container<'a>,
    decoder: Decoder<'a>,
    values: Values,
    depth: usize,
}

/// An operation up to its regions.
struct Header {
    form: Form,
    span: Span,
    location: Option<LocationId>,
    attributes: Vec<NamedAttribute>,
    operands: Vec<(Value, Span)>,
    results: Vec<Rc<Decoded<Type>>>,
    has_regions: bool,
}

impl<'a> OperationReader<'a> {
    /// One operation, in a region of `parent`; `None` if it is nothing in the tree.
    fn operation(
        &mut self,
        reader: &mut Reader<'a>,
        parent: &str,
    ) -> SourceResult<Option<Operation>> {
        let at = reader.offset();
        if self.depth == DEPTH_LIMIT {
            return Err(error_at(at, format!("nested deeper than {DEPTH_LIMIT} operations")));
        }
        let header = self.header(reader)?;
        let reserved = self.values.reserve(header.results.len(), at)?;
        if header.form.name() == CAST {
            self.cast(&header, &reserved)?;
            return Ok(None);
        }
        let name = match header.form.name() {
            table::RETURN if parent == "func.func" => "func.return",
            table::RETURN => "stablehlo.return",
            name => name,
        };
        let mut regions = Vec::new();
        if header.has_regions {
            self.depth += 1;
            regions = self.regions(reader, name)?;
            self.depth -= 1;
        }
        let results = self.values.define(&reserved, &header.results, at)?;
        let mut operation = Operation {
            name: name.to_owned(),
            span: header.span,
            operands: Vec::with_capacity(header.operands.len()),
            operand_types: Vec::with_capacity(header.operands.len()),
            results,
            result_types: Vec::with_capacity(header.results.len()),
            attributes: header.attributes,
            regions,
            location: header.location,
        };
        for ((value, value_type), span) in header.operands {
            operation.operands.push(Operand { value, span });
            operation.operand_types.push(self.decoder.copy_type(&value_type, at)?);
        }
        for value_type in header.results {
            operation.result_types.push(self.decoder.copy_type(&value_type, at)?);
        }
        Ok(Some(operation))
    }

    fn header(&mut self, reader: &mut Reader<'a>) -> SourceResult<Header> {
        let at = reader.offset();
        let name =
            self.container.op_names[reader.index("op name", self.container.op_names.len())?];
        let mask = reader.byte()?;
        let index = self.attribute_index(reader)?;
        let location = self.decoder.location(index, at)?;
        let header = self.located_header(reader, name, (mask, location), at);
        header.map_err(|error| {
            let locations = &self.decoder.locations.locations;
            error.with_origin(|| locations.describe(location?))
        })
    }

    /// The rest of the header.
    fn located_header(
        &mut self,
        reader: &mut Reader<'a>,
        name: super::container::OpName<'a>,
        (mask, location): (u8, Option<LocationId>),
        at: usize,
    ) -> SourceResult<Header> {
        let form = Form::find(name, self.container.version, at)?;
        let mut attributes = Vec::new();
        if mask & ATTRIBUTES != 0 {
            let index = self.attribute_index(reader)?;
            attributes = dictionary(&mut self.decoder, index, at)?;
        }
        let properties = if mask & PROPERTIES == 0 {
            form.attributes(&mut self.decoder, Stored::Named(&mut attributes))?
        } else if name.has_native_properties {
            let properties = &self.container.properties;
            let range = properties[reader.index("properties", properties.len())?].clone();
            form.attributes(&mut self.decoder, Stored::Native(reader.part(range)))?
        } else {
            let index = self.attribute_index(reader)?;
            let mut named = dictionary(&mut self.decoder, index, at)?;
            form.attributes(&mut self.decoder, Stored::Named(&mut named))?
        };
        attributes.extend(properties);
        check_names(&attributes, at)?;
        let mut results = Vec::new();
        if mask & RESULTS != 0 {
            results = reader.list("results", |reader| self.value_type(reader))?;
        }
        let mut operands = Vec::new();
        if mask & OPERANDS != 0 {
            operands = reader.list("operands", |reader| {
                let at = reader.offset();
                Ok((self.values.read(reader)?, Span::new(at, at)))
            })?;
        }
        if mask & SUCCESSORS != 0 {
            return Err(reader.error("branches between blocks are not supported"));
        }
        if mask & USE_LISTS != 0 {
            skip_use_lists(reader, results.len())?;
        }
        let (span, has_regions) = (Span::new(at, at), mask & REGIONS != 0);
        Ok(Header { form, span, location, attributes, operands, results, has_regions })
    }

    fn attribute_index(&self, reader: &mut Reader<'_>) -> SourceResult<usize> {
        reader.index("attribute", self.container.attributes.len())
    }

    fn value_type(&mut self, reader: &mut Reader<'_>) -> SourceResult<Rc<Decoded<Type>>> {
        let at = reader.offset();
        let index = reader.index("type", self.container.types.len())?;
        self.decoder.value_type(index, at)
    }

    /// Results that are the operands.
    fn cast(&mut self, header: &Header, reserved: &Reserved) -> SourceResult<()> {
        let types = header.operands.iter().map(|((_, value_type), _)| &value_type.value);
        if header.has_regions || !types.eq(header.results.iter().map(|each| &each.value)) {
            let message = "this builtin.unrealized_conversion_cast changes a type; only casts \
                           between vhlo types and those that they stand for are supported";
            return Err(error_at(header.span.start, message));
        }
        for (index, (value, _)) in header.operands.iter().enumerate() {
            self.values.set(reserved, index, value.clone());
        }
        Ok(())
    }

    /// The regions of an operation called `name`.
    fn regions(&mut self, reader: &mut Reader<'a>, name: &str) -> SourceResult<Vec<Region>> {
        let at = reader.offset();
        let (count, is_isolated) = reader.flagged()?;
        let count = reader.check_count(count, "regions", at)?;
        if !is_isolated {
            return (0..count).map(|_| self.region(reader, name)).collect();
        }
        self.values.enter_isolated();
        let regions = if self.container.format >= 2 && count > 0 {
            let mut section = nested_operations(reader)?;
            let regions = (0..count).map(|_| self.region(&mut section, name));
            let regions = regions.collect::<SourceResult<Vec<_>>>()?;
            section.finish("the regions")?;
            regions
        } else {
            (0..count).map(|_| self.region(reader, name)).collect::<SourceResult<Vec<_>>>()?
        };
        self.values.leave_isolated();
        Ok(regions)
    }

    fn region(&mut self, reader: &mut Reader<'a>, parent: &str) -> SourceResult<Region> {
        let at = reader.offset();
        let mut region = Region { blocks: Vec::new(), span: Span::new(at, at) };
        let n_blocks = reader.count("blocks")?;
        if n_blocks > 0 {
            self.values.enter_region(reader)?;
            for _ in 0..n_blocks {
                region.blocks.push(self.block(reader, parent)?);
            }
            self.values.leave_region(at)?;
        }
        Ok(region)
    }

    fn block(&mut self, reader: &mut Reader<'a>, parent: &str) -> SourceResult<Block> {
        let at = reader.offset();
        let (n_operations, has_arguments) = reader.flagged()?;
        let n_operations = reader.check_count(n_operations, "operations", at)?;
        let mut block = Block::default();
        if has_arguments {
            block.arguments = reader.list("block arguments", |reader| self.argument(reader))?;
            if self.container.format >= 3 && reader.bool()? {
                skip_use_lists(reader, block.arguments.len())?;
            }
        }
        for _ in 0..n_operations {
            block.operations.extend(self.operation(reader, parent)?);
        }
        Ok(block)
    }

    fn argument(&mut self, reader: &mut Reader<'a>) -> SourceResult<BlockArgument> {
        let at = reader.offset();
        let (index, has_location) = match self.container.format {
            ..4 => (reader.varint()?, true),
            _ => reader.flagged()?,
        };
        let index = self.decoder.type_index(index, at)?;
        let decoded = self.decoder.value_type(index, at)?;
        let mut location = None;
        if has_location {
            let index = self.attribute_index(reader)?;
            location = self.decoder.location(index, at)?;
        }
        let reserved = self.values.reserve(1, at)?;
        let value_type = self.decoder.copy_type(&decoded, at)?;
        let value = self.values.define(&reserved, &[decoded], at)?[0];
        Ok(BlockArgument { value, name: None, value_type, span: Span::new(at, at), location })
    }
}

/// An error if two attributes have the same name.
fn check_names(attributes: &[NamedAttribute], at: usize) -> SourceResult<()> {
    let mut names: Vec<&str> = attributes.iter().map(|each| each.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(error_at(at, format!("the attribute '{}' is given twice", pair[0]))),
        None => Ok(()),
    }
}

/// Skips what is said about the order in which values are used.
fn skip_use_lists(reader: &mut Reader<'_>, n_values: usize) -> SourceResult<()> {
    let has_numbers = n_values > 1;
    let count = if has_numbers { reader.count("use lists")? } else { 1 };
    for _ in 0..count {
        if has_numbers {
            reader.varint()?;
        }
        let at = reader.offset();
        let (count, _) = reader.flagged()?;
        for _ in 0..reader.check_count(count, "uses", at)? {
            reader.varint()?;
        }
    }
    Ok(())
}
