using System.Reflection;
using PublicApiGenerator;

namespace DistillOnnx.Cli.Tests;

/// <summary>
/// Holds each library's public surface to the file in <c>PublicApi</c>, so that a change of it is seen in review. After an
/// intended change: <c>DISTILLONNX_UPDATE_PUBLIC_API=1 scripts/test -class '*PublicApiTests'</c>.
/// </summary>
public sealed class PublicApiTests
{
    public static TheoryData<string> Libraries { get; } =
        ["Core", "Stages", "Checkpoints", "Data", "Teacher", "Training", "Export", "Runtime", "Hosting", "Client", "Toolchain", "Server"];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Library_PublicApi_IsTheApprovedOne(string library)
    {
        var assembly = Assembly.Load($"DistillOnnx.{library}");
        var found = assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false }).ReplaceLineEndings("\n").TrimEnd() + "\n";
        var path = Path.Combine(Repository.Root, "tests", "DistillOnnx.Cli.Tests", "PublicApi", $"{library}.txt");
        if (Environment.GetEnvironmentVariable("DISTILLONNX_UPDATE_PUBLIC_API") == "1") File.WriteAllText(path, found);

        Assert.Equal(File.ReadAllText(path), found);
    }

    [Fact]
    public void Libraries_OfTheSolution_AreAllHeld()
    {
        var projects = Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(d => Path.GetFileName(d)["DistillOnnx.".Length..]);

        // The command line's program has no public type.
        Assert.Equal(projects.Where(p => p != "Cli").Order(), Libraries.Select(l => l.Data).Order());
    }
}
