using System.Globalization;
using System.Text;

namespace NativeGreenlet.Fuzz.Traces;

/// <summary>A random program: bodies made of steps. It follows from its seed, and is data: greenlets and plain threads run
/// the very same.</summary>
/// <param name="Seed">Where it comes from.</param>
/// <param name="Main">What the thread itself does.</param>
/// <param name="Bodies">What greenlets do; several may run the same.</param>
internal sealed record Trace(ulong Seed, Operation[] Main, IReadOnlyList<Operation[]> Bodies)
{
    /// <summary>The identifiers of all steps.</summary>
    public IEnumerable<int> OperationIds => Bodies.Append(Main).SelectMany(Flatten).Select(operation => operation.Id);

    /// <summary>The same without some steps and what is inside of them.</summary>
    public Trace Without(IReadOnlySet<int> ids) =>
        ids.Count == 0 ? this : new Trace(Seed, Keep(Main, ids), [.. Bodies.Select(body => Keep(body, ids))]);

    public override string ToString()
    {
        StringBuilder text = new();
        _ = text.AppendLine("main");
        Print(text, Main, 1);
        for (int i = 0; i < Bodies.Count; i++)
        {
            _ = text.AppendLine(CultureInfo.InvariantCulture, $"body {i}");
            Print(text, Bodies[i], 1);
        }

        return text.ToString();
    }

    private static IEnumerable<Operation> Flatten(Operation[] operations) =>
        operations.SelectMany(operation => operation.Parts.SelectMany(Flatten).Prepend(operation));

    private static Operation[] Keep(Operation[] operations, IReadOnlySet<int> ids) =>
    [
        .. operations
            .Where(operation => !ids.Contains(operation.Id))
            .Select(operation => new Operation(operation.Id, operation.Kind, operation.Number, [.. operation.Parts.Select(part => Keep(part, ids))])),
    ];

    private static void Print(StringBuilder text, Operation[] operations, int depth)
    {
        foreach (Operation operation in operations)
        {
            _ = text.Append(' ', 2 * depth).AppendLine(CultureInfo.InvariantCulture, $"{operation.Id} {operation.Kind} {operation.Number}");
            for (int i = 0; i < operation.Parts.Count; i++)
            {
                if (i > 0 && operation.Parts[i].Length > 0)
                {
                    _ = text.Append(' ', 2 * depth).AppendLine(i == 1 ? "- handler" : "- filter, outer handler");
                }

                Print(text, operation.Parts[i], depth + 1);
            }
        }
    }
}
