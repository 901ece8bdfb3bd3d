//! Arguments that give their memory to results.

use crate::support::{client, donate, execute, get, keep, load, module, put, twice_plus};
use palmetto_runtime::{Error, Module};

/// `x + 1` on 3000 floats, with or without attributes of the module.
fn increment(attributes: &str) -> Module {
    module(
        attributes,
        "ENTRY e {\n  x = f32[3000] parameter(0)\n  one = f32[] constant(1)\n  \
         b = f32[3000] broadcast(one), dimensions={}\n  ROOT r = f32[3000] add(x, b)\n}\n",
    )
}

const ALIAS: &str = ", input_output_alias={ {}: (0, {}, may-alias) }";
const DONOR: &str = ", buffer_donor={ (0, {}) }";

#[test]
fn a_result_lies_where_its_donated_argument_was() {
    for attributes in [ALIAS, DONOR] {
        let client = client("1x1x1");
        let loaded = load(&client, &increment(attributes));
        assert_eq!(loaded.executable().donated(), [0]);
        let stats = loaded.executable().memory_stats();
        assert_eq!((stats.alias, stats.outputs), (12 << 10, 12 << 10));
        let x = put(&client, &[1.0; 3000]);
        let address = x.address();
        let used = client.devices()[0].memory_stats().bytes_in_use;
        client.devices()[0].reset_peak();
        let mut z = execute(&loaded, vec![donate(&x)]).unwrap().remove(0);
        assert!(x.is_deleted());
        for _ in 0..5 {
            z = execute(&loaded, vec![donate(&z)]).unwrap().remove(0);
        }
        assert_eq!(z.address(), address, "no other memory was ever needed");
        let stats = client.devices()[0].memory_stats();
        assert_eq!((stats.bytes_in_use, stats.peak_bytes_in_use), (used, used));
        assert_eq!(get(&z), [7.0; 3000]);
        assert!(matches!(x.to_literal(), Err(Error::Deleted { .. })));
    }
}

#[test]
fn an_argument_that_is_kept_stays_as_it_is() {
    let client = client("1x1x1");
    let loaded = load(&client, &increment(ALIAS));
    let x = put(&client, &[1.0; 3000]);
    let z = execute(&loaded, vec![keep(&x)]).unwrap().remove(0);
    assert_ne!(z.address(), x.address());
    assert_eq!((get(&x), get(&z)), (vec![1.0; 3000], vec![2.0; 3000]));
    let report = client.devices()[0].last_report().unwrap();
    let names: Vec<&str> =
        report.instructions.iter().map(|row| row.origin.instruction.as_str()).collect();
    assert!(names.contains(&"copy of argument 0"), "{names:?}");
}

#[test]
fn memory_of_other_donations_is_given_back() {
    let client = client("1x1x1");
    let loaded = load(&client, &twice_plus(3000));
    assert!(loaded.executable().donated().is_empty());
    let (x, y) = (put(&client, &[1.0; 3000]), put(&client, &[1.0; 3000]));
    let used = client.devices()[0].memory_stats().num_live_allocs;
    let z = execute(&loaded, vec![donate(&x), keep(&y)]).unwrap().remove(0);
    assert!(x.is_deleted() && !y.is_deleted());
    assert_eq!(client.devices()[0].memory_stats().num_live_allocs, used);
    assert_eq!(get(&z), [3.0; 3000]);
}

#[test]
fn what_is_donated_cannot_be_an_argument_twice() {
    let client = client("1x1x1");
    let loaded = load(&client, &twice_plus(8));
    let x = put(&client, &[1.0; 8]);
    for arguments in [[donate(&x), keep(&x)], [keep(&x), donate(&x)], [donate(&x), donate(&x)]] {
        let error = execute(&loaded, arguments.to_vec()).unwrap_err();
        assert!(matches!(error, Error::DonatedTwice { .. }), "{error}");
    }
    assert!(!x.is_deleted());
    assert!(execute(&loaded, vec![keep(&x), keep(&x)]).is_ok());
}

/// Programs that make it hard: the parameter is read after the result could be written.
#[test]
fn sharing_never_changes_a_result() {
    let bodies = [
        // Both results need both parameters.
        "ENTRY e {\n  x = f32[64,64] parameter(0)\n  y = f32[64,64] parameter(1)\n  \
         a = f32[64,64] add(x, y)\n  d = f32[64,64] dot(x, y), lhs_contracting_dims={1}, \
         rhs_contracting_dims={0}\n  ROOT r = (f32[64,64], f32[64,64]) tuple(a, d)\n}\n",
        // The parameters change places.
        "ENTRY e {\n  x = f32[64,64] parameter(0)\n  y = f32[64,64] parameter(1)\n  \
         ROOT r = (f32[64,64], f32[64,64]) tuple(y, x)\n}\n",
        // One parameter is both results.
        "ENTRY e {\n  x = f32[64,64] parameter(0)\n  y = f32[64,64] parameter(1)\n  \
         ROOT r = (f32[64,64], f32[64,64]) tuple(x, x)\n}\n",
        // An update in place.
        "ENTRY e {\n  x = f32[64,64] parameter(0)\n  y = f32[64,64] parameter(1)\n  \
         s = f32[8,64] slice(y), slice={[0:8], [0:64]}\n  i = s32[] constant(16)\n  \
         z = s32[] constant(0)\n  u = f32[64,64] dynamic-update-slice(x, s, i, z)\n  \
         t = f32[64,64] transpose(x), dimensions={1,0}\n  \
         ROOT r = (f32[64,64], f32[64,64]) tuple(u, t)\n}\n",
        // A loop whose state begins as the parameters.
        "cond {\n  s = (f32[64,64], f32[64,64], s32[]) parameter(0)\n  \
         i = s32[] get-tuple-element(s), index=2\n  n = s32[] constant(3)\n  \
         ROOT c = pred[] compare(i, n), direction=LT\n}\n\n\
         body {\n  s = (f32[64,64], f32[64,64], s32[]) parameter(0)\n  \
         a = f32[64,64] get-tuple-element(s), index=0\n  \
         b = f32[64,64] get-tuple-element(s), index=1\n  \
         i = s32[] get-tuple-element(s), index=2\n  one = s32[] constant(1)\n  \
         j = s32[] add(i, one)\n  c = f32[64,64] add(a, b)\n  \
         ROOT t = (f32[64,64], f32[64,64], s32[]) tuple(b, c, j)\n}\n\n\
         ENTRY e {\n  x = f32[64,64] parameter(0)\n  y = f32[64,64] parameter(1)\n  \
         i = s32[] constant(0)\n  t = (f32[64,64], f32[64,64], s32[]) tuple(x, y, i)\n  \
         w = (f32[64,64], f32[64,64], s32[]) while(t), condition=cond, body=body\n  \
         a = f32[64,64] get-tuple-element(w), index=0\n  \
         b = f32[64,64] get-tuple-element(w), index=1\n  \
         ROOT r = (f32[64,64], f32[64,64]) tuple(a, b)\n}\n",
    ];
    let aliases = [
        ", input_output_alias={ {0}: (0, {}, may-alias), {1}: (1, {}, may-alias) }",
        ", input_output_alias={ {1}: (0, {}, may-alias), {0}: (1, {}, may-alias) }",
        ", buffer_donor={ (0, {}), (1, {}) }",
        ", input_output_alias={ {0}: (0, {}, may-alias) }, buffer_donor={ (1, {}) }",
    ];
    let client = client("1x1x1");
    let arrays = || {
        let values =
            |from: u16| (from..from + 4096).map(|n| f32::from(n % 251)).collect::<Vec<_>>();
        [values(0), values(77)].map(|values| {
            let literal = palmetto_runtime::ArrayLiteral::from_slice(&[64, 64], &values).unwrap();
            let (device, kind) = (&client.devices()[0], palmetto_runtime::MemoryKind::Device);
            client.buffer_from_literal(literal, device, kind).unwrap()
        })
    };
    for body in bodies {
        let plain = load(&client, &module("", body));
        let [x, y] = arrays();
        let expected = execute(&plain, vec![keep(&x), keep(&y)]).unwrap();
        let expected: Vec<Vec<f32>> = expected.iter().map(get).collect();
        for alias in aliases {
            let loaded = load(&client, &module(alias, body));
            let kept = execute(&loaded, vec![keep(&x), keep(&y)]).unwrap();
            assert_eq!(kept.iter().map(get).collect::<Vec<_>>(), expected, "{alias} {body}");
            let [a, b] = arrays();
            let one = execute(&loaded, vec![donate(&a), keep(&y)]).unwrap();
            assert_eq!(one.iter().map(get).collect::<Vec<_>>(), expected, "{alias} {body}");
            let [a, _] = arrays();
            let both = execute(&loaded, vec![donate(&a), donate(&b)]).unwrap();
            assert_eq!(both.iter().map(get).collect::<Vec<_>>(), expected, "{alias} {body}");
        }
        assert_eq!((get(&x), get(&y)), (get(&arrays()[0]), get(&arrays()[1])), "they were kept");
    }
}
