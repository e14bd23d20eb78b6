using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines;

/// <summary>
/// Activations by name, in memory that is kept from step to step: allocating tens of megabytes anew each step would cost the system
/// clearing their pages each time. A name's memory grows to the largest that was asked for.
/// </summary>
internal sealed class Workspace : IDisposable
{
    private readonly Dictionary<string, Tensor> _memory = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Matrix> _views = new(StringComparer.Ordinal);

    /// <summary>The matrix of a name; its values are whatever stood there, or what an earlier call of the same shape left.</summary>
    public Matrix Get(string name, int rows, int columns)
    {
        if (_views.TryGetValue(name, out var view) && view.Rows == rows && view.Columns == columns) return view;
        var count = (long)rows * columns;
        if (!_memory.TryGetValue(name, out var memory) || memory.numel() < count)
        {
            // A margin, so that batches of slightly different sizes settle soon.
            var size = memory is null ? count : count + (count / 8);
            view?.Dispose();
            memory?.Dispose();
            _views.Remove(name);
            _memory[name] = memory = empty(size, dtype: ScalarType.Float32).DetachFromDisposeScope();
        }
        else
        {
            view?.Dispose();
        }

        using var flat = memory.narrow(0, 0, count);
        return _views[name] = new Matrix(flat.view(rows, columns).DetachFromDisposeScope());
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        foreach (var view in _views.Values) view.Dispose();
        foreach (var memory in _memory.Values) memory.Dispose();
        _views.Clear();
        _memory.Clear();
    }
}
