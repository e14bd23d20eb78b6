namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>Bundles that the tests of a class share.</summary>
public sealed class RealBundlesFixture : IDisposable
{
    internal RealBundles Bundles { get; } = new();

    /// <inheritdoc/>
    public void Dispose() => Bundles.Dispose();
}
