using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.Server.Tests.Interop;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Server.Tests.Deploy;

/// <summary>
/// The Kubernetes files against the schemas that the API server publishes: types, required fields, enumerations. That no field is unknown,
/// <see cref="ManifestTests"/> holds. Needs npm, and a registry that has the schemas for it.
/// </summary>
public sealed class ManifestSchemaTests
{
    [Fact]
    public async Task Manifests_AgainstTheApiServersSchemas_AreValidAndSpoiltOnesAreNot()
    {
        using var directory = new TemporaryDirectory();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests/DistillOnnx.Server.Tests/Deploy/schemas")))
            File.Copy(file, directory[Path.GetFileName(file)]);
        var files = Directory.GetFiles(Path.Combine(Repository.Root, "src/DistillOnnx.Server/deploy/kubernetes"), "*.yaml");
        string[] spoils = ["replicas: 2|replicas: \"two\"", "containerPort: 5080|containerPort: grpc", "name: server|nam: server"];
        var deployment = await File.ReadAllTextAsync(files.Single(f => f.EndsWith("deployment.yaml", StringComparison.Ordinal)));
        for (var i = 0; i < spoils.Length; i++)
        {
            var (good, bad) = (spoils[i].Split('|')[0], spoils[i].Split('|')[1]);
            Assert.Contains(good, deployment, StringComparison.Ordinal);
            await File.WriteAllTextAsync(directory[$"spoilt{i}.yaml"], deployment.Replace(good, bad, StringComparison.Ordinal));
        }

        var installed = await Programs.RunAsync(
            "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], directory.Path);
        Assert.SkipUnless(installed?.Code == 0, "npm is not here, or cannot install kubernetes-models");

        var run = await Programs.RunAsync("node", ["validate.js", .. files], directory.Path);
        Assert.True(run is { Code: 0 }, run?.Error);
        Assert.Equal("5 documents are valid", run!.Output.Trim());
        for (var i = 0; i < spoils.Length; i++)
        {
            var spoilt = await Programs.RunAsync("node", ["validate.js", $"spoilt{i}.yaml"], directory.Path);
            Assert.StartsWith($"spoilt{i}.yaml: Deployment: ", spoilt!.Output, StringComparison.Ordinal);
        }
    }
}
