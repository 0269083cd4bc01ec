using System.Text;

namespace NativeGreenlet.Weaving;

/// <summary>What was done to an assembly.</summary>
/// <param name="Assembly">Its name.</param>
/// <param name="Sites">The calls, and the uses of fields, in the order of the assembly.</param>
internal sealed record WeaveReport(string Assembly, IReadOnlyList<CallSite> Sites)
{
    /// <summary>How many calls were rewritten.</summary>
    public int Rewritten => Sites.Count(site => site.Reason is null);

    /// <summary>How many were seen and not rewritten.</summary>
    public int Kept => Sites.Count - Rewritten;

    /// <summary>The whole report: a line for each call, with tabs between the columns.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(Assembly).Append(": ").Append(Rewritten).Append(" calls rewritten, ").Append(Kept).Append(" seen and not rewritten\n");
        foreach (CallSite site in Sites)
        {
            text.Append(site.Reason is null ? "rewritten" : "kept").Append('\t').Append(site.Called).Append('\t').Append(site.Caller)
                .Append('\t').Append(site.Place).Append('\t').Append(site.Reason).Append('\n');
        }

        return text.ToString();
    }
}
