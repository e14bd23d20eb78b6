using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Benchmarks.Selection;

/// <summary>A pool whose rows all have the teacher's answer already, so that asking is a look-up, and how it is learnt.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Directory">The dataset: train is the pool, test is measured on.</param>
/// <param name="First">Rows drawn at random for the first student.</param>
/// <param name="Step">Rows that each selection adds.</param>
/// <param name="Vocabulary">Pieces of the tokenizer.</param>
/// <param name="Steps">Optimizer steps of each training.</param>
/// <param name="Student">The student's preset.</param>
internal sealed record SelectionSet(
    string Name, string Directory, int First, int Step, int Vocabulary, int Steps, string Student)
{
    /// <summary>
    /// The sets that can be had: generated tickets, the generated world, and where there is real data, e-SNLI and CommonsenseQA with
    /// PaLM's answers.
    /// </summary>
    /// <param name="work">Where they go; those that are there are used.</param>
    /// <param name="shared">Real data; null: none.</param>
    /// <param name="quick">Few rows.</param>
    /// <param name="cancellationToken">Stops the import.</param>
    public static IReadOnlyList<SelectionSet> Make(string work, string? shared, bool quick, CancellationToken cancellationToken)
    {
        var tickets = Path.Combine(work, "tickets");
        if (!System.IO.Directory.Exists(tickets)) TicketPool.Write(tickets, quick ? 400 : 6000, 1000);
        var world = Path.Combine(work, "world");
        if (!System.IO.Directory.Exists(world)) WorldDataset.Generate(world, [1, 2], quick ? 400 : 6000, seed: 1);
        const string tiny = "t5-tiny";
        // Learns from few rows as that does, in a third of its time.
        const string small = "t5-micro";
        var sets = new List<SelectionSet>
        {
            quick ? new("tickets", tickets, 40, 40, 300, 4, tiny) : new("tickets", tickets, 200, 200, 300, 200, tiny),
            quick ? new("world", world, 40, 40, 300, 4, small) : new("world", world, 800, 400, 300, 1000, small),
        };
        foreach (var name in shared is null ? [] : new[] { "esnli", "cqa" })
        {
            var directory = Path.Combine(work, name);
            if (!System.IO.Directory.Exists(directory))
            {
                DatasetImporter.Import(
                    new ImportOptions
                    {
                        Source = $"dss:{name}",
                        From = [Path.Combine(shared!, "data", "dss", name)],
                        // The paper's files lack e-SNLI's training inputs: its validation rows are the pool.
                        SplitFrom = name == "esnli" ? SplitNames.Validation : null,
                        Out = directory,
                    },
                    Reporter.None,
                    cancellationToken);
            }

            // From 1,000 to 4,000 rows of e-SNLI t5-micro gains a third as much.
            sets.Add(quick ? new(name, directory, 40, 40, 500, 4, tiny) : new(name, directory, 1000, 1000, 2000, 600, tiny));
        }

        return sets;
    }

    /// <summary>The rows that the teacher gave a label that can be learnt, without their gold labels.</summary>
    public (Dataset Dataset, IReadOnlyList<Example> Pool, IReadOnlyList<Example> Test) Load(int test)
    {
        var dataset = Dataset.Open(Directory);
        var pool = dataset.Load(SplitNames.Train, LabelNeed.None)
            .Where(r => r.TeacherLabel is { } label
                && (dataset.Task.Kind != TaskKind.Choices || r.Choices!.Contains(label, StringComparer.Ordinal)))
            .Select(r => r with { Label = null })
            .DistinctBy(r => (r.Input, string.Join('\0', r.Choices ?? []))).ToList();
        return (dataset, pool, [.. dataset.Stream(SplitNames.Test).Take(test)]);
    }
}
