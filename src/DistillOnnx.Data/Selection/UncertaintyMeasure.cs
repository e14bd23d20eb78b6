namespace DistillOnnx.Data.Selection;

/// <summary>How unsure a student is of a row, from its calibrated probabilities; each from 0 (sure) to 1.</summary>
public enum UncertaintyMeasure
{
    /// <summary>One less the distance between the two most probable labels.</summary>
    Margin,

    /// <summary>Entropy as a share of the most that the number of labels allows.</summary>
    Entropy,

    /// <summary>
    /// Expected length of the loss's gradient by the labels' scores (Settles, Craven and Ray 2007, at the last layer alone), as a
    /// share of that of equal probabilities.
    /// </summary>
    Change,
}
