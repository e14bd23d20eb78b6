using DistillOnnx.Core;

namespace DistillOnnx.Server.Models;

/// <summary>Opens bundles.</summary>
internal interface IModelLoader
{
    /// <summary>Opens a bundle.</summary>
    /// <param name="directory">The bundle directory.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <exception cref="InputException">The bundle cannot be served.</exception>
    LoadedModel Load(string directory, CancellationToken cancellationToken);
}
