/** Where the api is reached from outside, without a final slash; `null` = not known. */
export class PublicAddress {
  constructor(readonly url: string | null) {}
}
