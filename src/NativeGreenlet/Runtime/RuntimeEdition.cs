using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// What a set of contract versions means to us: what the descriptor says of its own, and how things it names are to be
/// understood. Each is listed with the version of every contract that we read; any other combination is refused, because
/// the same name may then mean something else (<c>ExceptionInfo.ThrownObject</c>: a handle on .NET 10, the object on .NET
/// 11). The runtime's rules keep them the same from the first release candidate of a major version to its last patch.
/// </summary>
internal sealed class RuntimeEdition
{
    private static readonly string[] s_contracts = ["Thread", "StackWalk", "Exception"];

    private static readonly RuntimeEdition[] s_known =
    [
        new("0", ["1", "1", "1"]) { ThrownIsHandle = true }, // .NET 10
        new("2", ["c1", "c1", "c1"]) { SaysWhereListsAre = true, DescribesHelperFrames = true, SuspendsAsyncMethods = true }, // .NET 11
    ];

    private readonly string _form;
    private readonly string[] _versions;

    private RuntimeEdition(string form, string[] versions)
    {
        _form = form;
        _versions = versions;
    }

    /// <summary>Whether an exception in flight is kept by a handle.</summary>
    public bool ThrownIsHandle { get; private init; }

    /// <summary>Whether the descriptor has the list of protected references and the stack's bounds.</summary>
    public bool SaysWhereListsAre { get; private init; }

    /// <summary>Whether it has the flags of a helper's frame.</summary>
    public bool DescribesHelperFrames { get; private init; }

    /// <summary>Whether the runtime itself suspends asynchronous methods.</summary>
    public bool SuspendsAsyncMethods { get; private init; }

    /// <summary>The one that a descriptor is of.</summary>
    /// <exception cref="UnsupportedRuntimeException">None that we know.</exception>
    public static RuntimeEdition Of(ContractDescriptor descriptor)
    {
        RuntimeEdition? nearest = null;
        foreach (RuntimeEdition each in s_known)
        {
            nearest = each._form == descriptor.Form ? each : nearest;
        }

        if (nearest is null)
        {
            throw new UnsupportedRuntimeException($"its contract descriptor is of version {descriptor.Form}");
        }

        for (int i = 0; i < s_contracts.Length; i++)
        {
            descriptor.Require(s_contracts[i], nearest._versions[i]);
        }

        return nearest;
    }

    /// <summary>Notes what the descriptor says of what must else be looked for.</summary>
    public void Claim(ContractDescriptor descriptor, ref ng_clr_layout layout)
    {
        if (!SaysWhereListsAre)
        {
            return;
        }

        layout.thread_gc_frame = descriptor.ThreadOffset("GCFrame", sizeof(ulong));
        layout.thread_stack_limits = descriptor.ThreadOffset("CachedStackBase", sizeof(ulong));
        if (descriptor.Offset("GCFrame", "Next") != 0)
        {
            throw new UnsupportedRuntimeException("its protected references are linked in another way");
        }

        if (descriptor.ThreadOffset("CachedStackLimit", sizeof(ulong)) != layout.thread_stack_limits + sizeof(ulong))
        {
            throw new UnsupportedRuntimeException("its limits of a stack do not lie side by side");
        }
    }

    /// <summary>Compares it with what was found on a live thread.</summary>
    public void RequireClaims(in ng_clr_layout layout, uint stackLimits, uint protectedReferences)
    {
        if (SaysWhereListsAre && (layout.thread_stack_limits != stackLimits || layout.thread_gc_frame != protectedReferences))
        {
            throw new UnsupportedRuntimeException("the limits of a stack, or its protected references, are not where its descriptor says");
        }
    }
}
