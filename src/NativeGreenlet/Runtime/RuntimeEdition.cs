namespace NativeGreenlet.Runtime;

/// <summary>
/// What the contracts of a runtime mean to us. The same name can mean another thing in another version of a contract
/// (<c>ExceptionInfo.ThrownObject</c>: a handle on .NET 10, the object itself on .NET 11), so each version that we know has a
/// row that says what holds with it, and every other one is refused. A version is compared as a name: a greater one is not a
/// newer one. docs/design.md has the same table with the reasons.
/// </summary>
internal readonly struct RuntimeEdition
{
    private static readonly string[] s_contracts = ["Thread", "StackWalk", "Exception"];

    private static readonly Row[] s_known =
    [
        new("0", "Thread", "1", Facts.None),
        new("0", "StackWalk", "1", Facts.None),
        new("0", "Exception", "1", Facts.ThrownIsHandle),
        new("2", "Thread", "c1", Facts.SaysWhereListsAre | Facts.ThreadsStartProtected | Facts.SuspendsAsyncMethods),
        new("2", "StackWalk", "c1", Facts.DescribesHelperFrames),
        new("2", "Exception", "c1", Facts.None),
    ];

    private readonly Facts _facts;

    private RuntimeEdition(Facts facts)
    {
        _facts = facts;
    }

    [Flags]
    private enum Facts
    {
        None = 0,
        ThrownIsHandle = 1,
        SaysWhereListsAre = 2,
        ThreadsStartProtected = 4,
        DescribesHelperFrames = 8,
        SuspendsAsyncMethods = 16,
    }

    /// <summary>Every version that is known, as <c>form, contract, version</c>.</summary>
    public static IEnumerable<string> Known
    {
        get
        {
            foreach (Row row in s_known)
            {
                yield return $"{row.Form}, {row.Contract}, {row.Version}";
            }
        }
    }

    /// <summary>Whether an exception in flight is kept by a handle, which its entry owns; else by the reference itself.</summary>
    public bool ThrownIsHandle => Has(Facts.ThrownIsHandle);

    /// <summary>Whether the descriptor has to say where the list of protected references starts and where a thread's stack
    /// is.</summary>
    public bool SaysWhereListsAre => Has(Facts.SaysWhereListsAre);

    /// <summary>Whether the runtime protects references of its own below the first method of a thread.</summary>
    public bool ThreadsStartProtected => Has(Facts.ThreadsStartProtected);

    /// <summary>Whether the descriptor has to say where a helper's frame has its flags.</summary>
    public bool DescribesHelperFrames => Has(Facts.DescribesHelperFrames);

    /// <summary>Whether the runtime itself suspends asynchronous methods.</summary>
    public bool SuspendsAsyncMethods => Has(Facts.SuspendsAsyncMethods);

    /// <summary>The one that a descriptor is of.</summary>
    /// <exception cref="UnsupportedRuntimeException">A contract is missing or of a version that we do not know.</exception>
    public static RuntimeEdition Of(ContractDescriptor descriptor)
    {
        Facts facts = Facts.None;
        foreach (string contract in s_contracts)
        {
            facts |= Find(descriptor.Form, contract, descriptor.Version(contract));
        }

        return new RuntimeEdition(facts);
    }

    private static Facts Find(string form, string contract, string version)
    {
        string known = string.Empty;
        foreach (Row row in s_known)
        {
            if (row.Form != form || row.Contract != contract)
            {
                continue;
            }

            if (row.Version == version)
            {
                return row.Facts;
            }

            known += known.Length == 0 ? row.Version : $" and {row.Version}";
        }

        throw new UnsupportedRuntimeException($"it has version {version} of the contract '{contract}'; we know version {known}");
    }

    private bool Has(Facts fact) => (_facts & fact) != 0;

    private readonly record struct Row(string Form, string Contract, string Version, Facts Facts);
}
