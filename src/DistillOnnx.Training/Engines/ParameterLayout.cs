using DistillOnnx.Training.T5;

namespace DistillOnnx.Training.Engines;

/// <summary>Where each parameter lies in a model's flat memory.</summary>
/// <param name="model">The model.</param>
internal sealed class ParameterLayout(T5Model model)
{
    private readonly Dictionary<string, (long Offset, long[] Shape)> _parameters = model.named_parameters()
        .ToDictionary(p => p.name, p => (p.parameter.storage_offset(), p.parameter.shape), StringComparer.Ordinal);

    /// <summary>All names.</summary>
    public IEnumerable<string> Names => _parameters.Keys;

    /// <summary>The first element of a parameter and its shape.</summary>
    public (long Offset, long[] Shape) this[string name] => _parameters[name];

    /// <summary>Matrices that lie one after another and share an input, as one; also a single matrix or vector.</summary>
    /// <param name="names">In their order in memory.</param>
    /// <returns>The first element, and the shape of all: [rows] or [rows, columns].</returns>
    /// <exception cref="InvalidOperationException">They do not lie one after another.</exception>
    public (long Offset, long[] Shape) Joined(params ReadOnlySpan<string> names)
    {
        var (offset, shape) = _parameters[names[0]];
        var rows = shape[0];
        foreach (var name in names[1..])
        {
            var (next, other) = _parameters[name];
            if (next != offset + (rows * shape[1]) || other[1] != shape[1])
                throw new InvalidOperationException($"{name} does not lie after {names[0]}");
            rows += other[0];
        }

        return (offset, [rows, .. shape[1..]]);
    }
}
