namespace DistillOnnx.Checkpoints.PyTorch;

/// <summary>One of the few names that a pickle of weights may use. It is a token: nothing is looked up or called by it.</summary>
internal sealed class PickleGlobal
{
    public static readonly PickleGlobal OrderedDictionary = new("collections OrderedDict");
    public static readonly PickleGlobal RebuildTensor = new("torch._utils _rebuild_tensor_v2");
    public static readonly PickleGlobal RebuildParameter = new("torch._utils _rebuild_parameter");

    private static readonly Dictionary<string, PickleGlobal> Known = MakeKnown();

    private PickleGlobal(string name, TensorType? storage = null)
    {
        Name = name;
        Storage = storage;
    }

    /// <summary>Module and name, separated by a space.</summary>
    public string Name { get; }

    /// <summary>The element type, where it names a class of storages.</summary>
    public TensorType? Storage { get; }

    /// <summary>The token of a name, or null where the name is not one of them.</summary>
    public static PickleGlobal? Find(string module, string name) => Known.GetValueOrDefault($"{module} {name}");

    private static Dictionary<string, PickleGlobal> MakeKnown()
    {
        (string Name, TensorType Type)[] storages =
        [
            ("FloatStorage", TensorType.Float32), ("HalfStorage", TensorType.Float16), ("BFloat16Storage", TensorType.BFloat16),
            ("DoubleStorage", TensorType.Float64), ("LongStorage", TensorType.Int64), ("IntStorage", TensorType.Int32),
            ("ShortStorage", TensorType.Int16), ("CharStorage", TensorType.Int8), ("ByteStorage", TensorType.UInt8),
            ("BoolStorage", TensorType.Bool), ("ComplexFloatStorage", TensorType.Complex64),
        ];
        var all = new List<PickleGlobal> { OrderedDictionary, RebuildTensor, RebuildParameter };
        all.AddRange(storages.Select(s => new PickleGlobal($"torch {s.Name}", s.Type)));
        return all.ToDictionary(g => g.Name, StringComparer.Ordinal);
    }
}
