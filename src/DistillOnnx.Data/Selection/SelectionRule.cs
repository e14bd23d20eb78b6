namespace DistillOnnx.Data.Selection;

/// <summary>Why rows of a pool are taken before others.</summary>
public enum SelectionRule
{
    /// <summary>The student is least sure of them.</summary>
    Uncertainty,

    /// <summary>They lie farthest from all that is taken, by the student's encoder: k-center greedy (Sener and Savarese 2018).</summary>
    Coverage,

    /// <summary>Among the rows the student is least sure of, the product of uncertainty and distance is largest.</summary>
    Both,

    /// <summary>None: drawn by the seed, as the control.</summary>
    Random,
}
