using static TorchSharp.torch;

namespace DistillOnnx.Training.Engines.Script;

/// <summary>
/// A TorchScript source of this assembly, compiled at its first use. A source that does not compile ends the process, so sources are
/// constants, and tests call each of their functions.
/// </summary>
internal sealed class TorchScript
{
    private readonly Lazy<jit.CompilationUnit> _unit;

    private TorchScript(string file) => _unit = new Lazy<jit.CompilationUnit>(() =>
    {
        using var stream = typeof(TorchScript).Assembly.GetManifestResourceStream($"{typeof(TorchScript).Namespace}.{file}")!;
        using var reader = new StreamReader(stream);
        return jit.compile(reader.ReadToEnd())!;
    });

    /// <summary>The training step: <c>step.py</c>.</summary>
    public static TorchScript Step { get; } = new("step.py");

    /// <summary>AdamW's update: <c>adamw.py</c>.</summary>
    public static TorchScript AdamW { get; } = new("adamw.py");

    /// <summary>Runs a function that gives a tensor.</summary>
    /// <param name="function">Its name.</param>
    /// <param name="arguments">Tensors, lists of tensors, numbers and booleans.</param>
    public Tensor Invoke(string function, params object[] arguments) => _unit.Value.invoke<Tensor>(function, arguments);
}
