/** Pages that are loaded when somebody goes to them. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, Waiting } from "./states.tsx";

/** A page whose code comes with `load`; once it is there it stays. */
export function lazy<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | null = null;
  return function Lazy(props: Props) {
    const [Page, show] = useState<ComponentType<Props> | null>(() => loaded);
    const [error, fail] = useState<Error | null>(null);
    const start = () => {
      fail(null);
      load().then(
        (page) => {
          loaded = page;
          show(() => page);
        },
        () => fail(new Error("A part of the interface could not be loaded. Is the server running?")),
      );
    };
    useEffect(() => {
      if (!loaded) start();
    }, []);
    if (error) return <Failure error={error} retry={start} />;
    return Page ? <Page {...props} /> : <Waiting lines={12} />;
  };
}
