using DistillOnnx.Core.Bundles;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Toolchain.Export;

/// <summary>Tensors by name; those made here or given by a run are freed together.</summary>
internal sealed class TensorSet : IDisposable
{
    private readonly Dictionary<string, OrtValue> _values = new(StringComparer.Ordinal);
    private readonly List<OrtValue> _owned = [];

    public TensorSet()
    {
    }

    public TensorSet(IReadOnlyDictionary<string, OrtValue> outputs)
    {
        foreach (var (name, value) in outputs) Own(name, value);
    }

    public IReadOnlyDictionary<string, OrtValue> Values => _values;

    public void Add<T>(string name, T[] values, params long[] shape)
        where T : unmanaged => Own(name, OrtValue.CreateTensorValueFromMemory(values, shape));

    public void AddFlag(string name, bool value) => Add(name, [value], 1);

    public void AddEmpty(string name, params long[] shape) =>
        Own(name, OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, shape));

    public void Add(ChoiceInputs c)
    {
        Add("trie_tokens", c.TrieTokens, c.Rows, c.Positions);
        Add("trie_depths", c.TrieDepths, c.Rows, c.Positions);
        Add("trie_visible", c.TrieVisible, c.Rows, c.Positions, c.Positions);
        Add("branch_positions", c.BranchPositions, c.Rows, c.Branchings);
        Add("branch_tokens", c.BranchTokens, c.Rows, c.Branchings, c.Children);
        Add("label_steps", c.LabelSteps, c.Rows, c.Labels, c.Steps);
    }

    /// <summary>Adds a tensor that another set frees.</summary>
    public void Borrow(string name, OrtValue value) => _values[name] = value;

    public ReadOnlySpan<float> Floats(string name) => _values[name].GetTensorDataAsSpan<float>();

    public void Dispose()
    {
        foreach (var value in _owned) value.Dispose();
        _owned.Clear();
        _values.Clear();
    }

    private void Own(string name, OrtValue value)
    {
        _owned.Add(value);
        _values[name] = value;
    }
}
