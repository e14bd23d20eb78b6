using DistillOnnx.Core;

namespace DistillOnnx.Server.Models;

/// <summary>Opens bundles with the ONNX Runtime.</summary>
internal sealed class BundleLoader(ServerOptions options) : IModelLoader
{
    public LoadedModel Load(string directory, CancellationToken cancellationToken) =>
        throw new InputException($"{directory}: {options.Model.Count} bundles cannot be opened yet");
}
