using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>A named group of modules that computes nothing itself: the <c>block</c> and <c>layer</c> of parameter names.</summary>
internal sealed class T5Modules : nn.Module
{
    /// <param name="modules">Registered under their names.</param>
    public T5Modules(params IEnumerable<(string Name, nn.Module Module)> modules)
        : base(nameof(T5Modules))
    {
        foreach (var (name, module) in modules) register_module(name, module);
    }

    /// <param name="modules">Registered under their positions.</param>
    public static T5Modules Numbered(params IEnumerable<nn.Module> modules) =>
        new(modules.Select((m, i) => (i.ToString(System.Globalization.CultureInfo.InvariantCulture), m)));

    protected override void RegisterComponents()
    {
    }
}
