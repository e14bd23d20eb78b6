using DistillOnnx.Checkpoints.PyTorch;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints.Adapters;

/// <summary>Merges a LoRA adapter into its base, W + scale·B·A in single precision, as PEFT's <c>merge_and_unload</c> does.</summary>
internal static class LoraAdapter
{
    private const string Prefix = "base_model.model.";
    private static readonly string[] Files = ["adapter_model.safetensors", "adapter_model.bin"];

    /// <summary>The base's tensors with the adapter's changes, and the file that these are in.</summary>
    /// <param name="directory">The adapter's directory.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="source">The base's tensors, prefixes taken off; disposed with the result.</param>
    /// <param name="notes">Receives what was merged and what replaced.</param>
    /// <exception cref="InputException">The adapter's weights are missing, malformed, or do not fit the base.</exception>
    public static (ITensorSource Source, string File) Merge(
        string directory, AdapterConfig config, ITensorSource source, List<string> notes)
    {
        var (adapter, file) = Open(directory, notes);
        using (adapter)
        {
            foreach (var tensor in adapter.Tensors.Values)
            {
                if (!tensor.Type.IsWeight())
                    throw new InputException(
                        $"{file}: tensor \"{InputText.Show(tensor.Name)}\": expected F32, F16 or BF16, found {tensor.Type.Code()}");
            }

            FiniteWeights.Require(adapter, file);
            var replaced = new Dictionary<TensorInfo, float[]>();
            var saved = new List<string>();
            var modules = new SortedDictionary<string, (TensorInfo? A, TensorInfo? B)>(StringComparer.Ordinal);
            foreach (var tensor in adapter.Tensors.Values.OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                var name = tensor.Name.StartsWith(Prefix, StringComparison.Ordinal) ? tensor.Name[Prefix.Length..] : tensor.Name;
                if (Factor(name) is var (module, isB))
                {
                    var factors = modules.GetValueOrDefault(module);
                    if ((isB ? factors.B : factors.A) is { } twice)
                        throw new InputException(
                            $"{file}: tensors \"{InputText.Show(twice.Name)}\" and \"{InputText.Show(tensor.Name)}\" are the same factor");
                    modules[module] = isB ? (factors.A, tensor) : (tensor, factors.B);
                }
                else
                {
                    saved.Add(Replace(adapter, tensor, name, source, file, replaced, notes));
                }
            }

            config.Targets.Require(modules.Keys, saved, source.Tensors.Values, file);
            foreach (var (module, (a, b)) in modules)
            {
                if (a is null || b is null)
                    throw new InputException(
                        $"{file}: module \"{InputText.Show(module)}\" has one of its two factors; expected lora_A and lora_B");
                Add(adapter, a, b, module, config, source, file, replaced);
            }

            if (replaced.Count == 0) throw new InputException($"{file}: expected the weights of an adapter, found none");
            notes.Add($"{file}: a LoRA adapter, merged into {modules.Count} projections of its base");
            return (new OverlaidTensors(source, replaced), file);
        }
    }

    private static (ITensorSource Source, string File) Open(string directory, List<string> notes)
    {
        foreach (var name in Files.Where(n => CheckpointPath.Exists(directory, n)))
        {
            var real = CheckpointPath.Resolve(directory, name);
            if (name == Files[0] && CheckpointPath.Exists(directory, Files[1]))
                notes.Add($"{directory}: not used, for the adapter is read from {name}: {Files[1]}");
            return (name == Files[0] ? SafetensorsFile.Open(real) : PyTorchFile.Open(real), Path.Combine(directory, name));
        }

        throw new InputException($"{directory}: an adapter without weights; expected {string.Join(" or ", Files)}");
    }

    /// <summary>The module that a tensor is a factor of; null where it is none.</summary>
    private static (string Module, bool IsB)? Factor(string name)
    {
        foreach (var (part, isB) in ((string, bool)[])[(".lora_A", false), (".lora_B", true)])
        {
            var at = name.LastIndexOf(part, StringComparison.Ordinal);
            if (at <= 0) continue;

            // Between the factor and "weight" some files have the adapter's name.
            var rest = name[(at + part.Length)..];
            if (rest == ".weight"
                || (rest.EndsWith(".weight", StringComparison.Ordinal) && rest.AsSpan(1, rest.Length - 8).IndexOf('.') < 0))
                return (name[..at], isB);
        }

        return null;
    }

    /// <returns>The tensor's name in the base.</returns>
    private static string Replace(
        ITensorSource adapter, TensorInfo tensor, string name, ITensorSource source, string file, Dictionary<TensorInfo, float[]> replaced,
        List<string> notes)
    {
        var shown = $"tensor \"{InputText.Show(tensor.Name)}\"";
        if (name.Contains("lora_", StringComparison.Ordinal))
            throw new InputException(
                $"{file}: {shown} is of a kind of adapter that is not supported; expected lora_A and lora_B of projections");
        name = name.Replace(".modules_to_save.default.", ".", StringComparison.Ordinal)
            .Replace(".modules_to_save.", ".", StringComparison.Ordinal);
        var origin = Origin(source, name) ?? throw new InputException($"{file}: {shown} has no place in the base");
        if (!tensor.Shape.SequenceEqual(origin.Shape))
            throw new InputException($"{file}: {shown}: expected shape {origin.ShapeText} as in the base, found {tensor.ShapeText}");
        var values = Values(adapter, tensor);
        if (name is T5TensorNames.Shared or T5TensorNames.EncoderEmbedding or T5TensorNames.DecoderEmbedding)
        {
            if (!Values(source, origin).AsSpan().SequenceEqual(values))
                throw new InputException($"{file}: {shown} is a trained embedding, which is not supported in an adapter; merge it before");
            return name;
        }

        if (!replaced.TryAdd(origin with { Name = name }, values)) throw new InputException($"{file}: {shown} is there twice");
        notes.Add($"{file}: {shown} takes the place of the base's");
        return name;
    }

    private static void Add(
        ITensorSource adapter, TensorInfo a, TensorInfo b, string module, AdapterConfig config, ITensorSource source, string file,
        Dictionary<TensorInfo, float[]> replaced)
    {
        var name = module + ".weight";
        if (name is T5TensorNames.Shared or T5TensorNames.EncoderEmbedding or T5TensorNames.DecoderEmbedding)
            throw new InputException($"{file}: an adapter of the embedding \"{name}\" is not supported");
        var origin = Origin(source, name) ?? throw new InputException($"{file}: module \"{InputText.Show(module)}\" is none of the base's");
        var (rows, columns) = origin.Shape.Count == 2
            ? (origin.Shape[0], origin.Shape[1])
            : throw new InputException($"{file}: module \"{InputText.Show(module)}\" is no projection of the base");
        if (a.Shape.Count != 2 || b.Shape.Count != 2 || a.Shape[1] != columns || b.Shape[0] != rows || a.Shape[0] != b.Shape[1])
            throw new InputException(
                $"{file}: module \"{InputText.Show(module)}\": expected factors [r, {columns}] and [{rows}, r], found {a.ShapeText} and "
                    + $"{b.ShapeText}");
        var rank = (int)a.Shape[0];
        var scale = (float)config.Scale(module, rank);
        var key = origin with { Name = name };
        var values = replaced.TryGetValue(key, out var saved) ? saved : Values(source, origin);
        var (left, right) = (Values(adapter, b), Values(adapter, a));
        var width = (int)columns;
        Parallel.For(0, (int)rows, () => new float[width], (row, _, delta) =>
        {
            Array.Clear(delta);
            for (var k = 0; k < rank; k++)
            {
                var factor = left[(row * rank) + k];
                var from = right.AsSpan(k * width, width);
                for (var i = 0; i < from.Length; i++) delta[i] += factor * from[i];
            }

            var target = values.AsSpan(row * width, width);
            for (var i = 0; i < target.Length; i++) target[i] += scale * delta[i];
            return delta;
        }, _ => { });
        replaced[key] = values;
    }

    // A head that is the embedding has no tensor of its own in the base, and gets one.
    private static TensorInfo? Origin(ITensorSource source, string name)
    {
        if (source.Tensors.TryGetValue(name, out var found)) return found;
        return name == T5TensorNames.LmHead ? source.Tensors.GetValueOrDefault(T5TensorNames.Shared) : null;
    }

    private static float[] Values(ITensorSource source, TensorInfo tensor)
    {
        if (!tensor.Type.IsWeight() || tensor.ElementCount > Array.MaxLength)
            throw new InputException(
                $"tensor \"{InputText.Show(tensor.Name)}\": expected weights in F32, F16 or BF16, found {tensor.Type.Code()} "
                    + $"{tensor.ShapeText}");
        var values = new float[tensor.ElementCount];
        source.ReadFloat32(tensor.Name, values);
        return values;
    }
}
