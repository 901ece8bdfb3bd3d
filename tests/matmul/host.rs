//! Arrays of tiles as the host sees them.

use half::{bf16, f16};
use palmetto_isa::memory::{GRANULE_BYTES, LANES, SUBLANES};
use palmetto_kernels::element::Element;

/// Where an array of matrices is in HBM.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) element: Element,
    /// Sizes, the last two tiled.
    pub(crate) sizes: Vec<usize>,
    /// First granule.
    pub(crate) start: u32,
}

impl Array {
    fn last_two(&self) -> [usize; 2] {
        let n = self.sizes.len();
        [self.sizes[n - 2], self.sizes[n - 1]]
    }

    fn columns(&self) -> usize {
        self.last_two()[1].div_ceil(LANES)
    }

    /// Granules from one matrix to the next.
    pub(crate) fn matrix_granules(&self) -> usize {
        self.last_two()[0].div_ceil(SUBLANES) * self.columns() * self.element.tile_granules()
    }

    fn n_matrices(&self) -> usize {
        self.sizes[..self.sizes.len() - 2].iter().product()
    }

    /// Granules of all, rows of tiles padded to the packing.
    pub(crate) fn granules(&self) -> usize {
        let row = self.columns() * self.element.tile_granules();
        let rows = self.n_matrices() * self.last_two()[0].div_ceil(SUBLANES);
        rows.next_multiple_of(self.element.packing()) * row
    }

    fn n_elements(&self) -> usize {
        self.sizes.iter().product()
    }

    /// The byte at which an element starts.
    fn byte(&self, index: usize) -> usize {
        let [rows, lanes] = self.last_two();
        let (matrix, row, lane) = (index / (rows * lanes), index / lanes % rows, index % lanes);
        let packing = self.element.packing();
        let tile = row / SUBLANES * self.columns() + lane / LANES;
        let tile = matrix * self.matrix_granules() + tile * self.element.tile_granules();
        let granule = tile + row % SUBLANES / packing;
        granule * GRANULE_BYTES + lane % LANES * 4 + row % packing * (4 / packing)
    }

    /// The bytes of the array with `values`; padding is NaN.
    pub(crate) fn bytes(&self, values: &[f64]) -> Vec<u8> {
        assert_eq!(values.len(), self.n_elements());
        let mut bytes = vec![0xff; self.granules() * GRANULE_BYTES];
        for (index, value) in values.iter().enumerate() {
            let at = self.byte(index);
            let encoded = encode(self.element, *value);
            bytes[at..at + encoded.len()].copy_from_slice(&encoded);
        }
        bytes
    }

    /// The values that `bytes` hold.
    pub(crate) fn values(&self, bytes: &[u8]) -> Vec<f64> {
        (0..self.n_elements())
            .map(|index| decode(self.element, &bytes[self.byte(index)..]))
            .collect()
    }
}

fn encode(element: Element, value: f64) -> Vec<u8> {
    match element {
        Element::F32 => (value as f32).to_le_bytes().to_vec(),
        Element::Bf16 => bf16::from_f32(value as f32).to_le_bytes().to_vec(),
        Element::F16 => f16::from_f32(value as f32).to_le_bytes().to_vec(),
        Element::S32 => (value as i32).to_le_bytes().to_vec(),
        Element::S8 => (value as i8).to_le_bytes().to_vec(),
        Element::U8 | Element::Pred => (value as u8).to_le_bytes().to_vec(),
        Element::U32 | Element::S16 | Element::U16 => panic!("no test uses {element:?}"),
    }
}

fn decode(element: Element, bytes: &[u8]) -> f64 {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| bytes.get(i).copied().unwrap_or(0));
    match element {
        Element::F32 => f32::from_le_bytes([a, b, c, d]).into(),
        Element::Bf16 => bf16::from_le_bytes([a, b]).into(),
        Element::F16 => f16::from_le_bytes([a, b]).into(),
        Element::S32 => i32::from_le_bytes([a, b, c, d]).into(),
        Element::S8 => i8::from_le_bytes([a]).into(),
        Element::U8 | Element::Pred => a.into(),
        Element::U32 | Element::S16 | Element::U16 => panic!("no test uses {element:?}"),
    }
}

/// `value` as an array of `element` holds it.
pub(crate) fn rounded(element: Element, value: f64) -> f64 {
    decode(element, &encode(element, value))
}

/// Values that look random.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// An integer between `-most` and `most`.
    pub(crate) fn integer(&mut self, most: u32) -> f64 {
        let value = self.next() % (2 * u64::from(most) + 1);
        value as f64 - f64::from(most)
    }

    /// A number between -1 and 1 with 24 random bits.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.integer((1 << 24) - 1) / f64::from(1 << 24)
    }
}
