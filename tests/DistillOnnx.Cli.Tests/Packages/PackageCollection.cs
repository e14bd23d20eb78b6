namespace DistillOnnx.Cli.Tests.Packages;

/// <summary>Tests that build with the packages: not beside others, which have bounds on how long they may take.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PackageCollection : ICollectionFixture<PackageFeed>
{
    /// <summary>Its name.</summary>
    public const string Name = "packages";
}
