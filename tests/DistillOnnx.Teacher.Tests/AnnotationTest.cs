using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

/// <summary>A directory of its own for each test, in which datasets are annotated.</summary>
public abstract class AnnotationTest : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private protected TemporaryDirectory Work => _directory;

    private protected string Out => _directory["out"];

    /// <inheritdoc/>
    public void Dispose()
    {
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected AnnotateOptions Options(FakeEndpoint endpoint) => TestData.Options(_directory["data"], endpoint.Spec, Out);

    private protected List<JsonElement> Lines(string name) =>
        [.. File.ReadLines(Path.Combine(Out, name)).Select(l => JsonDocument.Parse(l).RootElement)];

    private protected static async Task Fails(AnnotateOptions options, params string[] expected)
    {
        // A key that is not accepted is no bad argument.
        var fault = await Record.ExceptionAsync(() => Annotator.RunAsync(options, Reporter.None));
        Assert.IsType(expected[0] == "HTTP 401" ? typeof(TeacherException) : typeof(InputException), fault);
        var message = fault.Message;
        Assert.DoesNotContain(message, char.IsControl);
        foreach (var part in expected) Assert.Contains(part, message);
        if (options.ApiKey is { Length: > 0 } key) Assert.DoesNotContain(key, message);
    }
}
