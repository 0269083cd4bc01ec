namespace NativeGreenlet.Runtime;

/// <summary>
/// What a descriptor says of the places that are calibrated on a runtime whose contract does not have them: the list of
/// protected references and the limits of the stack. Where both exist they must agree.
/// </summary>
/// <param name="ProtectedReferences">The offset of the list's head in a Thread object; null if the descriptor does not say.</param>
/// <param name="StackLimits">The offset of the first of the limits; null if the descriptor does not say.</param>
internal readonly record struct DescribedLists(uint? ProtectedReferences, uint? StackLimits)
{
    /// <summary>Reads it. What the contract does not promise may be there all the same, since amendments add fields.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something that must be there is not, or lies in an impossible place.</exception>
    public static DescribedLists Read(ContractDescriptor descriptor, RuntimeEdition edition)
    {
        uint? head = Place("GCFrame");
        uint? high = Place("CachedStackBase");
        uint? low = Place("CachedStackLimit");
        if ((edition.SaysWhereListsAre || descriptor.Has("GCFrame", "Next")) && descriptor.Offset("GCFrame", "Next") != 0)
        {
            throw new UnsupportedRuntimeException("its protected references are linked in another way");
        }

        // The native library takes the four limits as one piece, of which two are described.
        return high is null || low is null || low == high + sizeof(ulong)
            ? new DescribedLists(head, high ?? low - (uint)sizeof(ulong))
            : throw new UnsupportedRuntimeException("the limits of a stack do not lie side by side");

        uint? Place(string field) =>
            edition.SaysWhereListsAre || descriptor.Has("Thread", field) ? descriptor.ThreadOffset(field, sizeof(ulong)) : null;
    }

    /// <summary>Compares it with what was found on a live thread.</summary>
    /// <exception cref="UnsupportedRuntimeException">They differ.</exception>
    public void RequireAgreement(uint protectedReferences, uint stackLimits)
    {
        if (StackLimits is { } limits && limits != stackLimits)
        {
            throw new UnsupportedRuntimeException("the limits of a stack are not where its descriptor says");
        }

        if (ProtectedReferences is { } head && head != protectedReferences)
        {
            throw new UnsupportedRuntimeException("the list of protected references is not where its descriptor says");
        }
    }
}
