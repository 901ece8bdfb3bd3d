//! The instruction set: one row per op.
//!
//! A row is a doc comment, `name = Variant (results) { operands } in Slot, latency`. Names start
//! with the unit: `s` scalar, `v` vector ALU, `vm` mask, `eup_`, `xlu_`, `mxu_`, `dma_`; the
//! element type is last. Operand kinds: `V` vector register, `S` scalar register, `M` mask
//! register; any other kind is an immediate. The latency of a row is architectural: its results may
//! be read that many *issued bundles* later, not earlier. What a FIFO or a DMA engine takes is not
//! in the table: it is waited for, and the chip file says how long it takes.
//!
//! Vector ops work on all 8 x 128 words alike; f32 arithmetic is IEEE, rounded to nearest even.

/// Calls `$then!` with every row of the instruction set.
#[macro_export]
macro_rules! for_each_op {
    ($then:path) => { $then! {
    // ---- scalar: arithmetic ----
    /// `dst = value`.
    smov_imm = SmovImm (dst: S) { value: i32 } in Scalar, latency 1;
    /// `dst = src`.
    smov = Smov (dst: S) { src: S } in Scalar, latency 1;
    /// `dst = lhs + rhs`, wrapping.
    sadd = Sadd (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = src + value`, wrapping.
    sadd_imm = SaddImm (dst: S) { src: S, value: i32 } in Scalar, latency 1;
    /// `dst = lhs - rhs`, wrapping.
    ssub = Ssub (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = lhs * rhs`, wrapping.
    smul = Smul (dst: S) { lhs: S, rhs: S } in Scalar, latency 2;
    /// `dst = src * value`, wrapping.
    smul_imm = SmulImm (dst: S) { src: S, value: i32 } in Scalar, latency 2;
    /// Bitwise and.
    sand = Sand (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// Bitwise or.
    sor = Sor (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// Bitwise exclusive or.
    sxor = Sxor (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = src << amount`; amounts of 32 and more give 0.
    sshl = Sshl (dst: S) { src: S, amount: S } in Scalar, latency 1;
    /// Logical shift right; amounts of 32 and more give 0.
    sshr = Sshr (dst: S) { src: S, amount: S } in Scalar, latency 1;
    /// Arithmetic shift right; amounts of 32 and more give the sign.
    ssra = Ssra (dst: S) { src: S, amount: S } in Scalar, latency 1;
    /// Signed minimum.
    smin = Smin (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// Signed maximum.
    smax = Smax (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = 1` if `lhs == rhs`, else 0.
    scmp_eq = ScmpEq (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = 1` if `lhs != rhs`, else 0.
    scmp_ne = ScmpNe (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = 1` if `lhs < rhs` (signed), else 0.
    scmp_lt = ScmpLt (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = 1` if `lhs <= rhs` (signed), else 0.
    scmp_le = ScmpLe (dst: S) { lhs: S, rhs: S } in Scalar, latency 1;
    /// `dst = on_true` if `condition` is not 0, else `on_false`.
    ssel = Ssel (dst: S) { condition: S, on_true: S, on_false: S } in Scalar, latency 1;
    /// The index of this core in its chip.
    score = Score (dst: S) { } in Scalar, latency 1;
    /// Loads SMEM word `base + offset`.
    sld = Sld (dst: S) { base: S, offset: i32 } in Scalar, latency 4;
    /// Stores to SMEM word `base + offset`.
    sst = Sst () { base: S, offset: i32, src: S } in Scalar, latency 1;

    // ---- control ----
    /// Continues at bundle `target`.
    br = Br () { target: u32 } in Branch, latency 1;
    /// Continues at bundle `target` if `condition` is not 0.
    br_nz = BrNz () { condition: S, target: u32 } in Branch, latency 1;
    /// Continues at bundle `target` if `condition` is 0.
    br_z = BrZ () { condition: S, target: u32 } in Branch, latency 1;
    /// Ends the program of this core.
    halt = Halt () { } in Branch, latency 1;

    // ---- vector: constants and moves ----
    /// The 32 bits of `bits` in every word.
    vconst = Vconst (dst: V) { bits: u32 } in VectorAlu, latency 1;
    /// The scalar's 32 bits in every word.
    vsplat = Vsplat (dst: V) { src: S } in VectorAlu, latency 2;
    /// `dst = src`.
    vmov = Vmov (dst: V) { src: V } in VectorAlu, latency 1;
    /// The lane index of every word, 0 to 127.
    vlane = Vlane (dst: V) { } in VectorAlu, latency 1;
    /// The sublane index of every word, 0 to 7.
    vsublane = Vsublane (dst: V) { } in VectorAlu, latency 1;
    /// Sublane `s` of the result is sublane `(s - amount) mod 8` of `src`.
    vrot_sublane = VrotSublane (dst: V) { src: V, amount: u8 } in VectorAlu, latency 2;
    /// Every sublane of the result is sublane `index` of `src`.
    vbcast_sublane = VbcastSublane (dst: V) { src: V, index: u8 } in VectorAlu, latency 2;

    // ---- vector: f32 ----
    /// `lhs + rhs`.
    vadd_f32 = VaddF32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs - rhs`.
    vsub_f32 = VsubF32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs * rhs`.
    vmul_f32 = VmulF32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Maximum; NaN if either is NaN; +0 is above -0.
    vmax_f32 = VmaxF32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Minimum; NaN if either is NaN; -0 is below +0.
    vmin_f32 = VminF32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Rounds towards minus infinity.
    vfloor_f32 = VfloorF32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// Rounds towards plus infinity.
    vceil_f32 = VceilF32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// Rounds to the nearest integer, ties to even.
    vround_f32 = VroundF32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// Signed integer to f32, rounded to nearest even.
    vcvt_f32_s32 = VcvtF32S32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// Unsigned integer to f32, rounded to nearest even.
    vcvt_f32_u32 = VcvtF32U32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// f32 to signed integer, towards zero, saturating; NaN gives 0.
    vcvt_s32_f32 = VcvtS32F32 (dst: V) { src: V } in VectorAlu, latency 2;
    /// f32 to unsigned integer, towards zero, saturating; NaN gives 0.
    vcvt_u32_f32 = VcvtU32F32 (dst: V) { src: V } in VectorAlu, latency 2;

    /// `src` rounded to the nearest bf16 value, ties to even, kept as f32.
    vround_bf16 = VroundBf16 (dst: V) { src: V } in VectorAlu, latency 2;
    /// `src` rounded to the nearest f16 value, ties to even, kept as f32.
    vround_f16 = VroundF16 (dst: V) { src: V } in VectorAlu, latency 2;

    // ---- vector: integers and bits ----
    /// `lhs + rhs`, wrapping.
    vadd_s32 = VaddS32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs - rhs`, wrapping.
    vsub_s32 = VsubS32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Low 32 bits of `lhs * rhs`.
    vmul_s32 = VmulS32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 4;
    /// Signed maximum.
    vmax_s32 = VmaxS32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Signed minimum.
    vmin_s32 = VminS32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Unsigned maximum.
    vmax_u32 = VmaxU32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Unsigned minimum.
    vmin_u32 = VminU32 (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Bitwise and.
    vand = Vand (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 1;
    /// Bitwise or.
    vor = Vor (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 1;
    /// Bitwise exclusive or.
    vxor = Vxor (dst: V) { lhs: V, rhs: V } in VectorAlu, latency 1;
    /// `src << amount` per word; amounts of 32 and more give 0.
    vshl = Vshl (dst: V) { src: V, amount: V } in VectorAlu, latency 1;
    /// Logical shift right per word; amounts of 32 and more give 0.
    vshr = Vshr (dst: V) { src: V, amount: V } in VectorAlu, latency 1;
    /// Arithmetic shift right per word; amounts of 32 and more give the sign.
    vsra = Vsra (dst: V) { src: V, amount: V } in VectorAlu, latency 1;
    /// Number of leading zero bits.
    vclz = Vclz (dst: V) { src: V } in VectorAlu, latency 2;
    /// Number of one bits.
    vpopcnt = Vpopcnt (dst: V) { src: V } in VectorAlu, latency 2;

    // ---- vector: packing (rows of a packed register are 2 or 4 to a word, low bits first) ----
    /// Rows `8 part .. 8 part + 8` of 16 packed bf16 rows, as f32.
    vunpack_bf16 = VunpackBf16 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// Rows `8 part .. 8 part + 8` of 16 packed f16 rows, as f32.
    vunpack_f16 = VunpackF16 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// Rows `8 part .. 8 part + 8` of 16 packed 16-bit rows, sign-extended.
    vunpack_s16 = VunpackS16 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// Rows `8 part .. 8 part + 8` of 16 packed 16-bit rows, zero-extended.
    vunpack_u16 = VunpackU16 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// Rows `8 part .. 8 part + 8` of 32 packed 8-bit rows, sign-extended.
    vunpack_s8 = VunpackS8 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// Rows `8 part .. 8 part + 8` of 32 packed 8-bit rows, zero-extended.
    vunpack_u8 = VunpackU8 (dst: V) { src: V, part: u8 } in VectorAlu, latency 2;
    /// 16 packed bf16 rows: 8 of `low`, then 8 of `high`, rounded to nearest even.
    vpack_bf16 = VpackBf16 (dst: V) { low: V, high: V } in VectorAlu, latency 2;
    /// 16 packed f16 rows: 8 of `low`, then 8 of `high`, rounded to nearest even.
    vpack_f16 = VpackF16 (dst: V) { low: V, high: V } in VectorAlu, latency 2;
    /// 16 packed 16-bit rows: the low halves of 8 rows of `low`, then of `high`.
    vpack_b16 = VpackB16 (dst: V) { low: V, high: V } in VectorAlu, latency 2;
    /// 32 packed 8-bit rows: the low bytes of 16 packed 16-bit rows of `low`, then of `high`.
    vpack_b8 = VpackB8 (dst: V) { low: V, high: V } in VectorAlu, latency 2;

    // ---- vector: masks ----
    /// `lhs == rhs` (false for NaN).
    vcmp_eq_f32 = VcmpEqF32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs != rhs` (true for NaN).
    vcmp_ne_f32 = VcmpNeF32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs < rhs` (false for NaN).
    vcmp_lt_f32 = VcmpLtF32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs <= rhs` (false for NaN).
    vcmp_le_f32 = VcmpLeF32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs == rhs`.
    vcmp_eq_s32 = VcmpEqS32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs != rhs`.
    vcmp_ne_s32 = VcmpNeS32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs < rhs`, signed.
    vcmp_lt_s32 = VcmpLtS32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs <= rhs`, signed.
    vcmp_le_s32 = VcmpLeS32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs < rhs`, unsigned.
    vcmp_lt_u32 = VcmpLtU32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// `lhs <= rhs`, unsigned.
    vcmp_le_u32 = VcmpLeU32 (dst: M) { lhs: V, rhs: V } in VectorAlu, latency 2;
    /// Both.
    vmand = Vmand (dst: M) { lhs: M, rhs: M } in VectorAlu, latency 1;
    /// Either.
    vmor = Vmor (dst: M) { lhs: M, rhs: M } in VectorAlu, latency 1;
    /// Exactly one.
    vmxor = Vmxor (dst: M) { lhs: M, rhs: M } in VectorAlu, latency 1;
    /// Not.
    vmnot = Vmnot (dst: M) { src: M } in VectorAlu, latency 1;
    /// `dst = src`.
    vmmov = Vmmov (dst: M) { src: M } in VectorAlu, latency 1;
    /// `on_true` where the mask is set, else `on_false`.
    vsel = Vsel (dst: V) { mask: M, on_true: V, on_false: V } in VectorAlu, latency 1;

    // ---- VMEM (addresses in granules; a register covers 8) ----
    /// Loads the 8 granules at `base + offset`.
    vld = Vld (dst: V) { base: S, offset: i32 } in VectorLoad, latency 4;
    /// Loads the granules `base + offset + stride * sublane`.
    vld_strided = VldStrided (dst: V) { base: S, offset: i32, stride: i32 } in VectorLoad, latency 4;
    /// Loads the granule `base + offset` into every sublane.
    vld_bcast = VldBcast (dst: V) { base: S, offset: i32 } in VectorLoad, latency 4;
    /// Stores to the 8 granules at `base + offset`. A load may follow one bundle later.
    vst = Vst () { base: S, offset: i32, src: V } in VectorStore, latency 1;
    /// Stores the words where the mask is set.
    vst_masked = VstMasked () { base: S, offset: i32, mask: M, src: V } in VectorStore, latency 1;
    /// Stores sublane `s` to the granule `base + offset + stride * s`.
    vst_strided = VstStrided () { base: S, offset: i32, stride: i32, src: V } in VectorStore, latency 1;

    // ---- EUP: transcendental unit, results in order through its FIFO; correctly rounded f32 ----
    /// Pushes `2 ^ src`.
    eup_exp2 = EupExp2 () { src: V } in EupPush, latency 1;
    /// Pushes the base-2 logarithm.
    eup_log2 = EupLog2 () { src: V } in EupPush, latency 1;
    /// Pushes `1 / src`.
    eup_rcp = EupRcp () { src: V } in EupPush, latency 1;
    /// Pushes `1 / sqrt(src)`.
    eup_rsqrt = EupRsqrt () { src: V } in EupPush, latency 1;
    /// Pushes the hyperbolic tangent.
    eup_tanh = EupTanh () { src: V } in EupPush, latency 1;
    /// Pops the oldest EUP result.
    eup_pop = EupPop (dst: V) { } in Pop, latency 1;

    // ---- XLU: two cross-lane units, each with its FIFO ----
    /// Pushes `src` with lane `l` taken from lane `(l - amount) mod 128`.
    xlu_rot = XluRot () { unit: u8, src: V, amount: S } in XluPush, latency 1;
    /// Pushes `src` with lane `l` of each sublane taken from lane `index[l] mod 128` of that
    /// sublane.
    xlu_gather = XluGather () { unit: u8, src: V, index: V } in XluPush, latency 1;
    /// Pushes the f32 sum over the lanes of each sublane, in every lane.
    xlu_sum_f32 = XluSumF32 () { unit: u8, src: V } in XluPush, latency 1;
    /// Pushes the f32 maximum over the lanes of each sublane, in every lane.
    xlu_max_f32 = XluMaxF32 () { unit: u8, src: V } in XluPush, latency 1;
    /// Pushes the f32 minimum over the lanes of each sublane, in every lane.
    xlu_min_f32 = XluMinF32 () { unit: u8, src: V } in XluPush, latency 1;
    /// Pushes one of 16 registers of a 128 x 128 block; after the 16th, the 16 registers of the
    /// transposed block enter the FIFO.
    xlu_xpose = XluXpose () { unit: u8, src: V } in XluPush, latency 1;
    /// Pops the oldest result of the unit.
    xlu_pop = XluPop (dst: V) { unit: u8 } in Pop, latency 1;

    // ---- MXU: 128 x 128 weights stay, rows stream ----
    /// Pushes 16 packed bf16 rows (16 of the 128 contracted indices, 128 columns) into staging.
    mxu_push = MxuPush () { mxu: u8, src: V } in MxuPush, latency 1;
    /// Pushes 16 packed bf16 rows that are 16 of the 128 columns, over 128 contracted indices.
    mxu_push_xpose = MxuPushXpose () { mxu: u8, src: V } in MxuPush, latency 1;
    /// Streams 16 packed bf16 rows; two f32 registers (rows 0-7, rows 8-15) enter the result FIFO.
    mxu_matmul = MxuMatmul () { mxu: u8, src: V } in Matmul, latency 1;
    /// The same, after the 128 rows that earlier bundles have staged became the weights.
    mxu_matmul_latch = MxuMatmulLatch () { mxu: u8, src: V } in Matmul, latency 1;
    /// Pops the oldest result register of the MXU.
    mxu_pop = MxuPop (dst: V) { mxu: u8 } in Pop, latency 1;

    // ---- DMA and synchronisation ----
    /// Starts the transfer that descriptor `descriptor` of the program describes, from granule
    /// `src` to granule `dst`; when it is done its bytes are added to sync flag `flag`.
    dma_start = DmaStart () { descriptor: u32, src: S, dst: S, flag: S } in Dma, latency 1;
    /// Waits until sync flag `flag` is at least `bytes`, then subtracts `bytes` from it.
    dma_wait = DmaWait () { flag: S, bytes: S } in Dma, latency 1;
    /// Starts the transfer that descriptor `descriptor` describes, VMEM to VMEM, from granule `src`
    /// of this core to granule `dst` of core `core` of the chip; when it is done its bytes are added
    /// to sync flag `sent` of this core and to sync flag `received` of that core.
    dma_send = DmaSend () {
        descriptor: u32, src: S, dst: S, sent: S, core: S, received: S
    } in Dma, latency 1;
    } };
}
