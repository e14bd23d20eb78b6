using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// A TorchScript source of this assembly, compiled at its first use. A source that does not compile ends the process, so sources are
/// constants, and tests call each of their functions.
/// </summary>
internal sealed class TorchScript
{
    private static readonly ConcurrentDictionary<ScalarType, TorchScript> Steps = new();
    private readonly Lazy<jit.CompilationUnit> _unit;

    private TorchScript(string file) => _unit = new Lazy<jit.CompilationUnit>(() =>
    {
        using var stream = typeof(TorchScript).Assembly.GetManifestResourceStream($"{typeof(TorchScript).Namespace}.{file}")!;
        using var reader = new StreamReader(stream);
        return jit.compile(reader.ReadToEnd())!;
    });

    /// <summary>AdamW's update: <c>adamw.py</c>.</summary>
    public static TorchScript AdamW { get; } = new("adamw.py");

    /// <summary>Seeds the random numbers of every device: <c>seed.py</c>.</summary>
    public static TorchScript Seed { get; } = new("seed.py");

    /// <summary>
    /// The training step: <c>step.py</c>. The executor compiles kernels for the types of the tensors that it sees first and is slow with
    /// others, so there is one for each.
    /// </summary>
    /// <param name="products">The type that products are computed in.</param>
    public static TorchScript Step(ScalarType products) => Steps.GetOrAdd(products, _ => new TorchScript("step.py"));

    /// <summary>The line of a failure that says what it is; the others say where in libtorch.</summary>
    /// <param name="failure">What <see cref="Invoke"/> threw.</param>
    public static string Fault(ExternalException failure)
    {
        const string mark = "RuntimeError:";
        var lines = failure.Message.Split('\n');
        return (lines.FirstOrDefault(l => l.Contains(mark, StringComparison.Ordinal)) ?? lines[0]).Replace(mark, "").Trim();
    }

    /// <summary>Runs a function that gives a tensor.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="arguments">Tensors, lists of tensors, numbers and booleans.</param>
    public Tensor Invoke(string function, params object[] arguments)
    {
        // TorchSharp makes a native scalar of every number and keeps no reference to it, so a collection before the call would free it.
        object[] kept = Array.ConvertAll(arguments, a => a switch
        {
            int number => ((long)number).ToScalar(),
            long number => number.ToScalar(),
            double number => number.ToScalar(),
            _ => a,
        });
        try
        {
            return _unit.Value.invoke<Tensor>(function, kept);
        }
        finally
        {
            foreach (var scalar in kept.OfType<Scalar>()) scalar.Dispose();
        }
    }
}
