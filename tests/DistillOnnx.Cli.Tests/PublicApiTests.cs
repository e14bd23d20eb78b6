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
        var api = assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false });
        var found = api.ReplaceLineEndings("\n").TrimEnd() + "\n";
        var path = Path.Combine(Repository.Root, "tests", "DistillOnnx.Cli.Tests", "PublicApi", $"{library}.txt");
        if (Environment.GetEnvironmentVariable("DISTILLONNX_UPDATE_PUBLIC_API") == "1") File.WriteAllText(path, found);

        Assert.Equal(File.ReadAllText(path), found);
    }

    /// <summary>
    /// A type of the toolchain is public because a build script calls it, or because options or a result that it gives or gets
    /// have it as a part; there is no third reason.
    /// </summary>
    [Fact]
    public void Toolchain_PublicTypes_AreEntryPointsOrPartsOfThem()
    {
        var types = Assembly.Load("DistillOnnx.Toolchain").GetExportedTypes();
        string[] services = ["ConsoleReporter", "Interrupt"];                  // what a script makes itself
        var known = new HashSet<Type>(
            types.Where(t => (t.IsAbstract && t.IsSealed) || services.Contains(t.Name) || t.IsAssignableTo(typeof(Exception))));
        var open = new Queue<Type>(known);
        while (open.TryDequeue(out var type))
        {
            var parts = type.GetMethods().SelectMany(m => m.GetParameters().Select(p => p.ParameterType).Append(m.ReturnType))
                .Concat(type.GetProperties().Select(p => p.PropertyType)).SelectMany(Parts);
            foreach (var part in parts.Where(p => types.Contains(p) && known.Add(p))) open.Enqueue(part);
        }

        Assert.Empty(types.Except(known).Select(t => t.FullName));
    }

    [Fact]
    public void Libraries_OfTheSolution_AreAllHeld()
    {
        var projects =
            Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(d => Path.GetFileName(d)["DistillOnnx.".Length..]);

        // The command line's program has no public type.
        Assert.Equal(projects.Where(p => p != "Cli").Order(), Libraries.Select(l => l.Data).Order());
    }

    /// <summary>A type and those that it is made of: <c>Task&lt;IReadOnlyList&lt;T?&gt;&gt;</c> has <c>T</c>.</summary>
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!) : type.GetGenericArguments().SelectMany(Parts).Append(type);
}
