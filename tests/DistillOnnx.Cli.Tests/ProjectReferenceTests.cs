using System.Xml.Linq;

namespace DistillOnnx.Cli.Tests;

/// <summary>Holds the dependency rule: an edge program brings Core and Runtime alone; beyond that, only the references
/// listed here.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Core"] = [],
        ["Stages"] = ["Core"],
        ["Checkpoints"] = ["Core", "Stages"],
        ["Data"] = ["Core", "Stages"],
        ["Teacher"] = ["Core", "Stages", "Data"],
        ["Training"] = ["Core", "Stages", "Data", "Checkpoints"],
        ["Export"] = ["Core", "Stages", "Checkpoints"],
        ["Runtime"] = ["Core"],
        ["Hosting"] = ["Core", "Runtime"],
        ["Server"] = ["Core", "Stages", "Teacher", "Runtime", "Hosting"],
        ["Client"] = [],
        ["Toolchain"] = ["Core", "Stages", "Data", "Checkpoints", "Teacher", "Training", "Export", "Runtime"],
        ["Cli"] = ["Core", "Stages", "Toolchain", "Server", "Client"],
    };

    [Fact]
    public void Projects_References_KeepToTheRule()
    {
        var found = Projects().ToDictionary(
            p => p.Name,
            p => References(p.Project, "ProjectReference").Select(r => ShortName(Path.GetFileNameWithoutExtension(r.Replace('\\', '/')))));
        Assert.Equal(Allowed.Keys.Order(), found.Keys.Order());
        Assert.All(found, project => Assert.Subset(Allowed[project.Key].ToHashSet(), project.Value.ToHashSet()));
    }

    [Fact]
    public void Projects_TorchSharp_IsReferencedByTrainingAlone()
    {
        var users = Projects().Where(p =>
            References(p.Project, "PackageReference").Any(r => r.StartsWith("TorchSharp", StringComparison.Ordinal)));
        Assert.Equal(["Training"], users.Select(p => p.Name));
    }

    [Fact]
    public void Export_Packages_NeedNeitherTorchNorOnnxRuntime()
    {
        var export = Projects().Single(p => p.Name == "Export");
        Assert.DoesNotContain(
            References(export.Project, "PackageReference"),
            r => r.Contains("Torch", StringComparison.Ordinal) || r.Contains("OnnxRuntime", StringComparison.Ordinal));
    }

    private static IEnumerable<(string Name, XDocument Project)> Projects() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(path => (ShortName(Path.GetFileNameWithoutExtension(path)), XDocument.Load(path)));

    private static IEnumerable<string> References(XDocument project, string element) =>
        project.Descendants(element).Select(r => r.Attribute("Include")!.Value);

    private static string ShortName(string project) => project["DistillOnnx.".Length..];
}
