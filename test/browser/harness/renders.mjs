// Counts what React renders, in the very build that is shipped: by the hook that
// React offers to its developer tools, installed before the page is. So the page
// needs nothing for it but names (displayName) of what is counted.

/** Before the page is opened. */
export function watchRenders(context) {
  return context.addInitScript(() => {
    /** React's own mark of a component that was called in this commit. */
    const PERFORMED_WORK = 1;
    const counts = new Map();
    const nameOf = ({ elementType, type }) => elementType?.displayName ?? type?.displayName;
    const count = (fiber) => {
      const name = nameOf(fiber);
      if (name !== undefined) {
        const { id } = fiber.memoizedProps;
        const key = typeof id === 'string' ? `${name} ${id}` : name;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    };
    const eachChild = (fiber, visit) => {
      for (let child = fiber.child; child !== null; child = child.sibling) {
        visit(child);
      }
    };
    const mounted = (fiber) => {
      count(fiber);
      eachChild(fiber, mounted);
    };
    const updated = (fiber) => {
      const { alternate } = fiber;
      if (alternate === null) {
        mounted(fiber);

        return;
      }
      if ((fiber.flags & PERFORMED_WORK) !== 0) {
        count(fiber);
      }
      // The same children: nothing below was looked at.
      if (fiber.child !== alternate.child) {
        eachChild(fiber, updated);
      }
    };
    window.rendersOfTest = counts;
    window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
      supportsFiber: true,
      isDisabled: false,
      checkDCE() {},
      inject: () => 1,
      onCommitFiberRoot: (_renderer, root) => updated(root.current),
      onPostCommitFiberRoot() {},
      onCommitFiberUnmount() {},
    };
  });
}

/** What has been rendered since the last time this was asked, by name and, of what has one, id. */
export function renders(page) {
  return page.evaluate(() => {
    const counted = Object.fromEntries(window.rendersOfTest);
    window.rendersOfTest.clear();

    return counted;
  });
}
