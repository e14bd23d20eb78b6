using DistillOnnx.Server.Models;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Gives ready-made predictors for directories.</summary>
internal sealed class FakeLoader(Func<string, LoadedModel> load) : IModelLoader
{
    public LoadedModel Load(string directory, CancellationToken cancellationToken) => load(directory);
}
