using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml.Linq;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Cli.Tests.Packages;

/// <summary>
/// A folder outside the repository with a feed of all packages of the solution, packed from what is built, and a configuration of NuGet
/// that has two sources: the feed, and the cache in which the build's packages are. So no registry is asked. Packages of ours are
/// unpacked within the folder; all others are used where they are. Beside it a bundle to predict with.
/// </summary>
public sealed class PackageFeed : IAsyncLifetime
{
    /// <summary>A version that no registry has.</summary>
    public const string Version = "0.0.1-feed";

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly string _root = Directory.CreateTempSubdirectory("distillonnx-packages-").FullName;
    private readonly TrainingTask _task = new();

    /// <summary>A path within the folder.</summary>
    /// <param name="name">Relative to it.</param>
    public string this[string name] => Path.Combine(_root, name);

    /// <summary>The folder.</summary>
    public string Root => _root;

    /// <summary>A bundle of a tiny student, exported by the program that was built.</summary>
    internal string Bundle => _task["bundle"];

    /// <summary>A dataset to train on, and the shape of a student.</summary>
    internal TrainingTask Task => _task;

    /// <summary>The user's cache of packages.</summary>
    public static string Cache { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } named
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (LibTorch.IsExternal) return;

        // .NET takes a folder of a user's data that is not there for none.
        Directory.CreateDirectory(this["data"]);
        await DotnetAsync(
            Repository.Root, "pack", "DistillOnnx.sln", "-c", Configuration, "--no-build", $"-p:Version={Version}", "-o", this["feed"]);
        new XDocument(new XElement(
            "configuration",
            new XElement("packageSources", new XElement("clear"), Add("feed", this["feed"]), Add("cache", Cache)),
            new XElement("fallbackPackageFolders", Add("cache", Cache)))).Save(this["nuget.config"]);
        await MakeBundleAsync();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        _task.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs the SDK, which has to succeed, and returns what it wrote to stdout.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="arguments">Its arguments.</param>
    internal async Task<string> DotnetAsync(string directory, params string[] arguments)
    {
        var run = await RunAsync("dotnet", directory, arguments);
        Assert.True(run.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: {run.Output}{run.Error}");
        return run.Output;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">The program.</param>
    /// <param name="directory">Where.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads from stdin.</param>
    internal async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string program, string directory, IEnumerable<string> arguments, string input = "")
    {
        using var process = Start(program, directory, arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts a program that knows nothing of the repository's build.</summary>
    /// <param name="program">The program.</param>
    /// <param name="directory">Where.</param>
    /// <param name="arguments">Its arguments.</param>
    internal Process Start(string program, string directory, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var environment = start.Environment;
        environment["NUGET_PACKAGES"] = this["packages"];
        environment["MSBUILDDISABLENODEREUSE"] = "1";

        // Where programs of a single file are built, and installed tools look for .NET.
        environment["XDG_DATA_HOME"] = this["data"];
        environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

        // libtorch is half a gigabyte, and would be copied to the output of a test's program.
        environment["CreateHardLinksForCopyLocalIfPossible"] = "true";
        return Process.Start(start)!;
    }

    /// <summary>Writes a project that references one package of the feed.</summary>
    /// <param name="name">Its name, and its directory's.</param>
    /// <param name="sdk">What it is built by.</param>
    /// <param name="package">The package.</param>
    /// <param name="program">Its only source file.</param>
    /// <returns>Its directory.</returns>
    internal string WriteProject(string name, string sdk, string package, string program)
    {
        var directory = Directory.CreateDirectory(this[name]).FullName;
        File.WriteAllText(Path.Combine(directory, "Program.cs"), program);
        File.WriteAllText(
            Path.Combine(directory, name + ".csproj"),
            $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="{package}" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        return directory;
    }

    private static XElement Add(string key, string value) => new("add", new XAttribute("key", key), new XAttribute("value", value));

    /// <summary>The description that a package of the feed has of itself.</summary>
    /// <param name="id">Its id.</param>
    internal XElement Describe(string id)
    {
        using var package = ZipFile.OpenRead(this[$"feed/{id}.{Version}.nupkg"]);
        using var nuspec = package.GetEntry($"{id}.nuspec")!.Open();
        return XDocument.Load(nuspec).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
    }

    private async Task MakeBundleAsync()
    {
        foreach (var arguments in new string[][] { _task.Train("student", 2), ["export", "--model", _task["student"], "--out", Bundle] })
        {
            var run = await DistillProcess.Run(arguments);
            Assert.True(run.ExitCode == 0, run.Error);
        }
    }
}
